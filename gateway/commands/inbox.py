"""`knownas inbox list | show | replay`."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import InputError
from domain.inbox import Entry, EntryState
from gateway.bootstrap import Program, opened
from gateway.commands.parameters import DEFAULT_CONFIG, ConfigFile, configured
from gateway.server import run
from gateway.terminal import say, table
from gateway.webhooks import delivery_of

group = typer.Typer(name="inbox", help="What vendors told by themselves.", no_args_is_help=True)

Handle = Annotated[str, typer.Argument(help="The first cell of `inbox list`.")]
Handles = Annotated[list[str] | None, typer.Argument(help="Cells of `inbox list`.")]
OfState = Annotated[
    EntryState | None, typer.Option("--state", help="Only these; else all that are not done.")
]
OfSource = Annotated[str | None, typer.Option("--source", help="Only of this source.")]
First = Annotated[int, typer.Option(min=1, max=100_000, help="How many, the latest first.")]
Body = Annotated[bool, typer.Option("--body", help="Also what was delivered: it may be personal.")]
All = Annotated[bool, typer.Option("--all", help="Every event that was put aside.")]


@group.command("list")
def listed(
    config: ConfigFile = DEFAULT_CONFIG,
    state: OfState = None,
    source: OfSource = None,
    first: First = 50,
) -> None:
    """Print events that wait or were put aside. Whose they are is left out: see `show`."""

    async def tell(program: Program) -> None:
        entries = await program.state.inbox.entries(state, source, first)
        headings = ("event", "source", "state", "kind", "change", "came", "tries", "reason")
        table(headings, [_row(entry) for entry in entries])

    run(_with(config, tell))


@group.command("show")
def show(handle: Handle, config: ConfigFile = DEFAULT_CONFIG, body: Body = False) -> None:
    """Print all there is of one event."""

    async def tell(program: Program) -> None:
        entry = await _found(program, handle)
        for name, value in _whole(entry, with_body=body):
            say(f"{name}\t{value}")

    run(_with(config, tell))


@group.command("replay")
def replay(
    handles: Handles = None,
    config: ConfigFile = DEFAULT_CONFIG,
    source: OfSource = None,
    every: All = False,
) -> None:
    """Let events that were put aside wait to be applied again; what could not be read is read anew,
    as the connector reads by now.
    """
    if bool(handles) == (every or source is not None):
        raise InputError("replay: name events, or --all, or --source")

    async def again(program: Program) -> None:
        if handles:
            chosen = [await _found(program, one) for one in handles]
        else:
            chosen = await program.state.inbox.entries(EntryState.DEAD, source, 100_000)
        say(f"waiting again\t{await _replayed(program, chosen)}")

    run(_with(config, again))


async def _with(config: Path, tell: Callable[[Program], Awaitable[None]]) -> None:
    async with opened(configured(config)) as program:
        await tell(program)


async def _found(program: Program, handle: str) -> Entry:
    entry = await program.state.inbox.entry(handle)
    if entry is None:
        raise InputError(f"{handle}: no such event; `knownas inbox list` names them")
    return entry


async def _replayed(program: Program, entries: Sequence[Entry]) -> int:
    inbox = program.state.inbox
    waiting = await inbox.revive(entries)
    for entry in entries:
        if entry.unread is None or entry.state is not EntryState.DEAD:
            continue
        source = program.sources.get(entry.source)
        if source is None or source.webhooks is None:
            raise InputError(f"{entry.handle}: {entry.source} takes no webhooks by now")
        events = source.webhooks.parse(delivery_of(entry.unread, program.clock))
        waiting += (await inbox.append(events)).accepted
        await inbox.forget(entry)
    return waiting


def _row(entry: Entry) -> tuple[str, ...]:
    event = entry.event
    return (
        entry.handle,
        entry.source,
        entry.state.value,
        event.key.kind.name.lower() if event else "",
        event.change.value if event else "unread",
        entry.received_at.isoformat(timespec="seconds"),
        str(entry.attempts),
        entry.reason or "",
    )


def _whole(entry: Entry, *, with_body: bool) -> list[tuple[str, object]]:
    told: list[tuple[str, object]] = [
        ("source", entry.source),
        ("event id", entry.event_id),
        ("state", entry.state.value),
        ("came", entry.received_at.isoformat()),
        ("due", entry.due_at.isoformat()),
        ("tries", entry.attempts),
        ("strikes", entry.strikes),
        ("reason", entry.reason or ""),
    ]
    if entry.event is not None:
        at = entry.event.occurred_at
        told += [
            ("record", f"{entry.event.key.kind.name.lower()} {entry.event.key.external_id}"),
            ("change", entry.event.change.value),
            ("into", entry.event.into or ""),
            ("occurred", at.isoformat() if at else ""),
        ]
    if entry.unread is not None:
        told += [("headers", ", ".join(name for name, _ in entry.unread.headers))]
        told += [("bytes", len(entry.unread.body))]
        if with_body:
            told += [("body", entry.unread.body.decode("utf-8", "backslashreplace"))]
    return told
