"""How much memory a process and those it starts hold, looked at while they run (Linux)."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EVERY_S = 0.05


class Memory:
    """`peak_kb` is the most that was held at one time, whoever held it."""

    def __init__(self) -> None:
        self.peak_kb = _held_kb()
        self._over = threading.Event()

    def watch(self) -> None:
        while not self._over.wait(EVERY_S):
            self.peak_kb = max(self.peak_kb, _held_kb())

    def stop(self) -> None:
        self._over.set()


@contextmanager
def watching() -> Iterator[Memory]:
    memory = Memory()
    thread = threading.Thread(target=memory.watch, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        memory.stop()
        thread.join()


def _held_kb() -> int:
    return sum(map(_resident_kb, [os.getpid(), *_children()]))


def _children() -> list[int]:
    """Of every thread, since any may have started one."""
    told = (_told(task / "children") for task in Path("/proc/self/task").iterdir())
    return [int(pid) for text in told for pid in text.split()]


def _resident_kb(pid: int) -> int:
    lines = _told(Path(f"/proc/{pid}/status")).splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def _told(path: Path) -> str:
    """Nothing, of what has ended meanwhile."""
    try:
        return path.read_text()
    except OSError:
        return ""
