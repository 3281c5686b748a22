"""Processes beside this one, for what only Python can do: one a core, started when first needed."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

J = TypeVar("J")
R = TypeVar("R")


class Workers:
    """Few jobs are done here and now: a process costs a third of a second to start."""

    def __init__(self, processes: int | None = None) -> None:
        self._processes = processes or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None

    def map(self, work: Callable[[J], R], jobs: Sequence[J], *, worthwhile: bool) -> Iterator[R]:
        """`work` of each job, in order. Work and jobs must be picklable; `worthwhile` says that it
        is seconds of work.
        """
        if not worthwhile or self._processes < 2:
            return map(work, jobs)
        if self._pool is None:
            # A forked copy of a process with DuckDB's threads may hang on a lock one of them held.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._processes, mp_context=context)
        return self._pool.map(work, jobs)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None


@contextmanager
def workers(processes: int | None = None) -> Iterator[Workers]:
    opened = Workers(processes)
    try:
        yield opened
    finally:
        opened.close()
