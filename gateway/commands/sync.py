"""`knownas sync`."""

from pathlib import Path
from typing import Annotated

import typer

from domain.errors import InputError
from gateway.bootstrap import opened
from gateway.commands.parameters import DEFAULT_CONFIG, ConfigFile, configured
from gateway.server import run
from gateway.source_settings import unknown
from gateway.sync import Progress
from gateway.terminal import Lines, note, progress, table

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
        [(p.source, *map(str, (p.read, p.changed, p.deleted, p.failed))) for p in done],
    )
    for failed in [one for one in done if one.error is not None]:
        note(f"knownas: {failed.error}")
    if any(one.error is not None for one in done):
        raise typer.Exit(1)


async def _sync(path: Path, name: str | None, full: bool) -> list[Progress]:
    settings = configured(path)
    if name is not None and name not in settings.sources:
        raise InputError(f"--source {name}: {unknown(name, settings.sources, 'unknown')}")
    async with opened(settings) as program:
        chosen = [s for s in program.sources.values() if name in (None, s.name)]
        with progress() as lines:
            return await program.sync.run(chosen, full=full, watch=lambda p: show(lines, p))


def show(lines: Lines, one: Progress) -> None:
    kind = "full scan" if one.is_full else "changes"
    told = f"{kind}, {one.read} read, {one.changed} changed, {one.deleted} deleted"
    told += f", {one.failed} unreadable" if one.failed else ""
    lines.tell(one.source, told + (", failed" if one.error else ""), is_done=one.is_done)
