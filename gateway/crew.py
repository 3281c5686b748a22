"""Several workers on one port: `knownas serve --workers N`.

This process binds the port and starts the workers, which inherit the listening socket and take
turns on it; caches are shared through Redis, state through the store. SIGHUP replaces the workers
one by one, each after its successor answers, so that a restart fails no request; SIGTERM and SIGINT
drain all of them. A worker that dies is replaced.
"""

import asyncio
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from domain.errors import ConfigError

logger = logging.getLogger(__name__)

LISTEN_FD: Final = "KNOWNAS_LISTEN_FD"
READY_FD: Final = "KNOWNAS_READY_FD"
START_S: Final = 120.0
LONGEST_REST_S: Final = 30.0
"""Between two tries to replace a worker that dies as soon as it is started."""

ORPHAN_LOOK_S: Final = 1.0

Announce = Callable[[], None]


@dataclass(slots=True)
class _Worker:
    process: "subprocess.Popen[bytes]"
    ready: int
    """The end of a pipe that is written to once it answers."""


class Crew:
    """`command` is what a worker is started by; `drain_s` how long one may take to end."""

    def __init__(
        self, command: Sequence[str], listening: socket.socket, size: int, drain_s: float
    ) -> None:
        self._command = command
        self._listening = listening
        self._size = size
        self._drain_s = drain_s
        self._workers: list[_Worker] = []
        self._told: list[int] = []
        self._rest_s = 0.0

    def run(self, announce: Announce) -> None:
        """Until a signal ends it. Raises ConfigError where no worker comes to answer at first."""
        for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(one, lambda number, _frame: self._told.append(number))
        try:
            self._workers = [self._started() for _ in range(self._size)]
            if not all(self._answers(worker) for worker in self._workers):
                raise ConfigError("serve: a worker did not start; the lines above say why")
            announce()
            self._watch()
        finally:
            self._end(self._workers)

    def _watch(self) -> None:
        while True:
            told, self._told = self._told, []
            if {signal.SIGTERM, signal.SIGINT} & set(told):
                return
            if signal.SIGHUP in told:
                self._replace_all()
            self._replace_dead()
            time.sleep(0.1)

    def _replace_all(self) -> None:
        for old in list(self._workers):
            fresh = self._started()
            if not self._answers(fresh):
                logger.error("worker_unstarted")
                self._end([fresh])
                return
            self._workers = [fresh if one is old else one for one in self._workers]
            self._end([old])
        logger.info("workers_replaced count=%s", self._size)

    def _replace_dead(self) -> None:
        for i, worker in enumerate(self._workers):
            code = worker.process.poll()
            if code is None:
                continue
            logger.error("worker_died code=%s rest_s=%s", code, self._rest_s)
            os.close(worker.ready)
            time.sleep(self._rest_s)
            self._workers[i] = self._started()
            well = self._answers(self._workers[i])
            self._rest_s = 0.0 if well else min(LONGEST_REST_S, max(1.0, self._rest_s * 2))

    def _started(self) -> _Worker:
        ready, told = os.pipe()
        fds = (self._listening.fileno(), told)
        environ = {**os.environ, LISTEN_FD: str(fds[0]), READY_FD: str(fds[1])}
        process = subprocess.Popen(self._command, env=environ, pass_fds=fds)  # noqa: S603  # our own
        os.close(told)
        return _Worker(process, ready)

    def _answers(self, worker: _Worker) -> bool:
        """Waits until it does; false where it ends, or takes too long, or we are told to stop."""
        until = time.monotonic() + START_S
        while time.monotonic() < until and not {signal.SIGTERM, signal.SIGINT} & set(self._told):
            if select.select([worker.ready], [], [], 0.1)[0]:
                return os.read(worker.ready, 1) != b""
        return False

    def _end(self, workers: Sequence[_Worker]) -> None:
        for worker in workers:
            if worker.process.poll() is None:
                worker.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + self._drain_s
        for worker in workers:
            try:
                worker.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            os.close(worker.ready)


def worker_command() -> list[str]:
    """This program with the arguments it was started with."""
    return [sys.executable, "-m", "gateway", *sys.argv[1:]]


def is_worker() -> bool:
    return LISTEN_FD in os.environ


def inherited() -> socket.socket | None:
    """The socket a worker was handed; None where this process is not one."""
    number = os.environ.get(LISTEN_FD)
    if number is None:
        return None
    handed = socket.socket(fileno=int(number))
    handed.setblocking(False)
    return handed


async def until_orphaned() -> None:
    """For a worker: until the process that started it is gone, however that went. Its socket would
    be taken by nobody else, and it would be told of no signal.
    """
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110  # the system tells nobody
        await asyncio.sleep(ORPHAN_LOOK_S)


def tell_ready() -> None:
    """A worker answers from now on."""
    number = os.environ.get(READY_FD)
    if number is not None:
        os.write(int(number), b"1")
        os.close(int(number))
