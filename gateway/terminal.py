"""What commands say: results on standard output, progress and problems on standard error."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table


def say(text: str = "") -> None:
    """A line of the result."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """A line about what is going on."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned on a terminal; otherwise one line a row, its cells separated by tabs."""
    if not sys.stdout.isatty():
        for row in rows:
            say("\t".join(row))
        return
    drawn = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        drawn.add_row(*row)
    Console(file=sys.stdout, markup=False, highlight=False).print(drawn)


class Lines(Protocol):
    """Named lines of progress, each with its latest text."""

    def tell(self, name: str, text: str, *, is_done: bool = False) -> None: ...


@contextmanager
def progress() -> Iterator[Lines]:
    """Moving lines on a terminal; otherwise a plain line for each name when it is done."""
    if not sys.stderr.isatty():
        yield _PlainLines()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True, markup=False)) as moving:
        yield _MovingLines(moving)


class _PlainLines:
    def tell(self, name: str, text: str, *, is_done: bool = False) -> None:
        if is_done:
            note(f"{name}: {text}")


class _MovingLines:
    def __init__(self, moving: Progress) -> None:
        self._moving = moving
        self._tasks: dict[str, TaskID] = {}

    def tell(self, name: str, text: str, *, is_done: bool = False) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._moving.add_task(name, total=None)
        task = self._tasks[name]
        self._moving.update(task, description=f"{name}: {text}")
        if is_done:
            self._moving.update(task, total=1, completed=1)
