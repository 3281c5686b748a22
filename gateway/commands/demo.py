"""`knownas demo`: emulated platforms, seeded people, and the product over them, in one process."""

import asyncio
import json
import shlex
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any, Final

import typer

from gateway import logs
from gateway.auth import NewToken, new_token
from gateway.bootstrap import Program, application, opened
from gateway.commands.sync import shown
from gateway.config import Config
from gateway.config_file import checked
from gateway.pages import ready_query
from gateway.scopes import SCOPES
from gateway.server import listen, run
from gateway.server import serve as serve_app
from gateway.terminal import note, progress, say
from resolvers.caller import ANY_CUSTOMER
from sandbox.day import Player
from sandbox.demo import CRM_EMAIL
from sandbox.postman import Postman
from sandbox.seed import build_world
from sandbox.server import Sandbox
from sandbox.vendors import VENDORS
from sandbox.world import World

_HOST: Final = "127.0.0.1"

SYSTEMS: Final = {"crm": "hubspot", "shop": "shopify", "desk": "zendesk", "chat": "intercom"}
"""The demo's sources and the platforms they are."""

Port = Annotated[int, typer.Option(help="Port of the product.")]
People = Annotated[int, typer.Option(min=2, help="How many people are seeded.")]
Seed = Annotated[int, typer.Option(help="Another seed, other people.")]


def command(port: Port = 8000, people: People = 200, seed: Seed = 7) -> None:
    """Start emulated platforms with seeded people, sync, resolve, and serve."""
    run(_demo(port, people, seed))


async def _demo(port: int, people: int, seed: int) -> None:
    masked = new_token("masked", [ANY_CUSTOMER])
    with listen(_HOST, port) as listening:
        async with playing(listening.getsockname()[1], people, seed, masked) as (program, world):
            await _prepare(program)
            async with _day(world) as begin:

                def announce(where: str) -> None:
                    _welcome(where, masked.token, program.config)
                    begin(where)

                app = application(program, ready_query(CRM_EMAIL))
                await serve_app(
                    app, listening, program.config.server, announce, app.drain, direct=app.direct
                )
    note("stopped")


@asynccontextmanager
async def _day(world: World) -> AsyncIterator[Callable[[str], None]]:
    """Plays the day on the platforms and to the graph at an address, until the block ends."""
    tasks: list[asyncio.Task[None]] = []

    async def play(where: str) -> None:
        try:
            await Player(world, where, lambda what: note(f"live: {what}")).play()
        except (OSError, RuntimeError) as error:
            note(f"live: the day cannot be played ({type(error).__name__})")

    try:
        yield lambda where: tasks.append(asyncio.create_task(play(where)))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _prepare(program: Program) -> None:
    note("reading the people of four platforms")
    sources = list(program.sources.values())
    with progress() as lines:
        read = await shown(program, sources, lines)
    for one in read:
        if one.error is not None:
            raise one.error
    resolved, _ = await program.resolve()
    note(f"{resolved.records} records are {resolved.customers} customers")


@asynccontextmanager
async def playing(
    port: int, people: int, seed: int, masked: NewToken
) -> AsyncIterator[tuple[Program, World]]:
    """The product over a sandbox of its own, which tells `port` of its changes; both are gone
    afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="knownas-demo-") as folder:
        async with Sandbox(build_world(people, seed)) as sandbox:
            config = configuration(sandbox.urls, sandbox.credentials, Path(folder), port, masked)
            logs.configure(config.log)
            hooks = {vendor.name: vendor.hooks() for vendor in VENDORS if vendor.hooks}
            async with opened(config) as program, Postman(sandbox.world, hooks) as postman:
                for name, vendor in SYSTEMS.items():
                    secret = config.sources[name].settings.secrets["webhook_secret"]
                    url = f"http://{_HOST}:{port}/webhooks/{name}"
                    postman.subscribe(vendor, url, secret.reveal())
                yield program, sandbox.world


def configuration(
    urls: Mapping[str, str],
    credentials: Mapping[str, Mapping[str, str]],
    folder: Path,
    port: int,
    masked: NewToken,
) -> Config:
    """What a knownas.toml for these platforms would say."""
    environ = {f"{vendor}_TOKEN".upper(): held["token"] for vendor, held in credentials.items()}
    environ["WEBHOOK_SECRET"] = token_hex(16)
    tables: dict[str, Any] = {
        "server": {
            "host": _HOST,
            "port": port,
            "allowed_origins": ["http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*"],
        },
        "state": {"url": f"sqlite:///{folder / 'demo.db'}"},
        "log": {"level": "warning"},
        "live_record": {
            "systems": {"voice": "VOICE", "bot": "CHAT", "mail": "EMAIL", "web": "WEB"},
            "sites": [{"system": "web", "write_key": "demo-site"}],
        },
        "auth": {"tokens": [masked.table], "anonymous_scopes": sorted(SCOPES)},
        "sources": {
            name: {
                "connector": vendor,
                "base_url": urls[vendor],
                "token": {"env": f"{vendor}_TOKEN".upper()},
                "webhook_secret": {"env": "WEBHOOK_SECRET"},
                "phone_region": "GB",
                **{key: value for key, value in credentials[vendor].items() if key != "token"},
            }
            for name, vendor in SYSTEMS.items()
        },
    }
    return checked(tables, environ)


SHELL_QUERY: Final = (
    '{ customer(by: {email: "%s"}) { displayName completeness'
    " records { provenance { system { name } externalId } }"
    " orders { nodes { number status } } tickets { nodes { subject status } }"
    " conversations { nodes { channel lastMessage { body } } } } }"
)
"""One line that shows what each of the four systems knows of a person."""


def _welcome(where: str, masked: str, config: Config) -> None:
    ask = f"curl -s {where}/graphql -H 'content-type: application/json' -d "
    say(f"\n  GraphiQL, with a query that is ready to run:  {where}/")
    say("\n  The same from a shell:")
    say(f"    {ask}{shlex.quote(json.dumps({'query': SHELL_QUERY % CRM_EMAIL}))}")
    say(f"\n  The desk, where stewards decide who is who:   {where}/desk")
    say(f"  A customer, with what goes on arriving live:  {where}/desk/people?find=margaret")
    say('\n  The platforms, each with switches for faults (POST /__faults {"kind": "500"}):')
    for name, source in config.sources.items():
        say(f"    {name:5} {source.settings.base_url}")
    say("\n  As a caller who may not see personal data, add:")
    say(f"    -H 'authorization: Bearer {masked}'")
    say("\n  Ctrl+C stops everything.\n")
