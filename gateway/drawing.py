"""What is drawn on a terminal: tables and moving lines. Loaded where there is one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table


def draw(headings: Sequence[str], rows: Sequence[Sequence[str]], to: TextIO) -> None:
    """Aligned, without borders."""
    drawn = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        drawn.add_row(*row)
    Console(file=to, markup=False, highlight=False).print(drawn)


@contextmanager
def moving() -> Iterator["MovingLines"]:
    """Lines on standard error, for as long as the block runs."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True, markup=False)) as drawn:
        yield MovingLines(drawn)


class MovingLines:
    """terminal.Lines that turn until they are done."""

    def __init__(self, drawn: Progress) -> None:
        self._drawn = drawn
        self._tasks: dict[str, TaskID] = {}

    def tell(self, name: str, text: str, *, is_done: bool = False) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._drawn.add_task(name, total=None)
        task = self._tasks[name]
        self._drawn.update(task, description=f"{name}: {text}")
        if is_done:
            self._drawn.update(task, total=1, completed=1)
