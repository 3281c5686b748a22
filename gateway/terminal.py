"""What commands say: results on standard output, progress and problems on standard error."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Protocol


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
    if sys.stdout.isatty():
        import_module("gateway.drawing").draw(headings, rows, sys.stdout)
        return
    for row in rows:
        say("\t".join(row))


class Lines(Protocol):
    """Named lines of progress, each with its latest text."""

    def tell(self, name: str, text: str, *, is_done: bool = False) -> None: ...


@contextmanager
def progress() -> Iterator[Lines]:
    """Moving lines on a terminal; otherwise a plain line for each name when it is done."""
    if not sys.stderr.isatty():
        yield _PlainLines()
        return
    with import_module("gateway.drawing").moving() as lines:
        yield lines


class _PlainLines:
    def tell(self, name: str, text: str, *, is_done: bool = False) -> None:
        if is_done:
            note(f"{name}: {text}")
