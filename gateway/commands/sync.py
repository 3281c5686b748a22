"""`knownas sync`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import InputError
from domain.sources import Source
from gateway.bootstrap import Program, opened
from gateway.commands.parameters import DEFAULT_CONFIG, ConfigFile, configured
from gateway.server import run
from gateway.source_settings import unknown
from gateway.terminal import Lines, note, progress, table
from resolvers.ingest import SyncProgress, SyncReport

SourceName = Annotated[str | None, typer.Option("--source", help="Only this source.")]
Full = Annotated[bool, typer.Option("--full", help="Everything again, not only changes.")]


def command(
    config: ConfigFile = DEFAULT_CONFIG, source: SourceName = None, full: Full = False
) -> None:
    """Read the people of every source into the state store. A run that was killed goes on where it
    stood.
    """
    done = run(_sync(config, source, full))
    table(
        ("source", "read", "changed", "deleted", "failed"),
        [(p.source, *map(str, (p.read, p.changed, p.deleted, p.dropped))) for p in done],
    )
    for failed in [one for one in done if one.error is not None]:
        note(f"knownas: {failed.error}")
    if any(one.error is not None for one in done):
        raise typer.Exit(1)


async def _sync(path: Path, name: str | None, full: bool) -> list[SyncReport]:
    settings = configured(path)
    if name is not None and name not in settings.sources:
        raise InputError(f"--source {name}: {unknown(name, settings.sources, 'unknown')}")
    async with opened(settings) as program:
        chosen = [s for s in program.sources.values() if name in (None, s.name)]
        with progress() as lines:
            return await shown(program, chosen, lines, full=full)


async def shown(
    program: Program, sources: Sequence[Source], lines: Lines, *, full: bool = False
) -> list[SyncReport]:
    """Sync, told line by line."""
    reports = await program.sync(
        sources, full=full, progress=lambda one: lines.tell(one.source, _told(one))
    )
    for one in reports:
        ending = ", failed" if one.error else ""
        lines.tell(one.source, _told(one) + ending, is_done=True)
    return reports


def _told(one: SyncProgress) -> str:
    kind = "full scan" if one.full else "changes"
    unreadable = f", {one.dropped} unreadable" if one.dropped else ""
    return f"{kind}, {one.read} read, {one.changed} changed, {one.deleted} deleted{unreadable}"
