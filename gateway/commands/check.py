"""`knownas check`."""

import asyncio
from collections.abc import Sequence

import typer

from domain.errors import GatewayError, SourceError
from domain.ids import Kind
from domain.sources import Source
from gateway.bootstrap import Program, opened
from gateway.commands.parameters import DEFAULT_CONFIG, ConfigFile, configured
from gateway.reach import reach
from gateway.server import run
from gateway.terminal import note, say, table


def command(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Read the configuration, reach each source, print what each can do; exit 1 on any problem."""
    settings = configured(config)
    say(f"{config}: in order, {len(settings.sources)} sources")

    async def check() -> list[str]:
        async with opened(settings, upgrade=False) as program:
            return await _problems(program)

    problems = run(check())
    for problem in problems:
        note(f"knownas: {problem}")
    if problems:
        raise typer.Exit(1)


async def _problems(program: Program) -> list[str]:
    """What is wrong, after a table of what every source can do."""
    sources = list(program.sources.values())
    errors = await asyncio.gather(*(reach(source) for source in sources))
    table(
        ("source", "connector", "state", "ms", "can"),
        [_row(source, error) for source, error in zip(sources, errors, strict=True)],
    )
    found = [str(error) for error in errors if error is not None]
    try:
        await program.state.ping()
    except GatewayError as error:
        found.append(f"state: {error}")
    return found


def _row(source: Source, error: SourceError | None) -> Sequence[str]:
    status = source.status()
    return (
        source.name,
        source.system.connector,
        error.state.value if error else status.state.value,
        "" if status.latency_ms is None else str(status.latency_ms),
        _abilities(source),
    )


def _abilities(source: Source) -> str:
    able = {kind: ", ".join(_able(source, kind)) for kind in Kind}
    return "; ".join(f"{kind.name.lower()}: {found}" for kind, found in able.items() if found)


def _able(source: Source, kind: Kind) -> list[str]:
    able = {
        "changed_since": kind in source.changes,
        "children_of": kind in source.children,
        "get_many": kind in source.gets,
        "search": kind is Kind.CONTACT and source.search is not None,
    }
    return [name for name, is_so in able.items() if is_so]
