"""Delivers what the platforms tell: at least once, in no promised order, again until it is taken.

    postman = Postman(world, {"hubspot": HubSpotHooks()}, duplicates=0.1, disorder=0.1)
    postman.subscribe("hubspot", "http://127.0.0.1:8000/webhooks/crm", "secret")
    ... changes of the world ...
    await postman.delivered()

Vendors repeat deliveries they are not sure of, and send them side by side; `duplicates` and
`disorder` are how many of them, as shares.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from sandbox.hooks import Change, Hooks, Notice
from sandbox.world import World

CARRIERS: Final = 4
HELD_BACK: Final = 20
"""A delivery that is out of order comes after up to so many that were told of later."""
AGAIN_S: Final = 0.1
LONGEST_WAIT_S: Final = 2.0
TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Who wants to be told, and the secret that was agreed on."""

    system: str
    url: str
    secret: str


@dataclass(slots=True)
class Tally:
    """What was carried: `taken` deliveries were answered with 2xx, `refused` attempts were not."""

    told: int = 0
    taken: int = 0
    repeated: int = 0
    disordered: int = 0
    refused: int = 0


class Postman:
    """Listens to a world. Deliveries are made in threads, each with a connection that it keeps."""

    def __init__(
        self,
        world: World,
        hooks: Mapping[str, Hooks],
        *,
        duplicates: float = 0.0,
        disorder: float = 0.0,
        seed: int = 7,
    ) -> None:
        self.tally = Tally()
        self._world = world
        self._hooks = hooks
        self._duplicates = duplicates
        self._disorder = disorder
        self._dice = Random(seed)
        self._subscriptions: list[Subscription] = []
        self._held: list[tuple[int, Subscription, Notice]] = []
        self._outgoing: asyncio.Queue[tuple[Subscription, Notice]] = asyncio.Queue()
        self._threads = ThreadPoolExecutor(max_workers=CARRIERS, thread_name_prefix="postman")
        self._kept = threading.local()
        self._connections: list[http.client.HTTPConnection] = []
        self._carriers: list[asyncio.Task[None]] = []

    def subscribe(self, system: str, url: str, secret: str) -> None:
        if system not in self._hooks:
            raise ValueError(f"{system} sends no webhooks")
        self._subscriptions.append(Subscription(system=system, url=url, secret=secret))

    async def __aenter__(self) -> Self:
        self._world.listeners.append(self._tell)
        self._carriers = [asyncio.create_task(self._carry()) for _ in range(CARRIERS)]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._world.listeners.remove(self._tell)
        for carrier in self._carriers:
            carrier.cancel()
        for carrier in self._carriers:
            with contextlib.suppress(asyncio.CancelledError):
                await carrier
        await asyncio.to_thread(self._threads.shutdown)
        for connection in self._connections:
            connection.close()

    async def delivered(self) -> None:
        """Return once everything told so far was taken."""
        self._release(everything=True)
        await self._outgoing.join()

    def _tell(self, change: Change) -> None:
        hooks = self._hooks.get(change.system)
        if hooks is None:
            return
        for notice in hooks.notices(change):
            for one in self._subscriptions:
                if one.system == change.system:
                    self._send(one, notice)
        self._release()

    def _send(self, to: Subscription, notice: Notice) -> None:
        self.tally.told += 1
        if self._dice.random() < self._disorder:
            self.tally.disordered += 1
            self._held.append((self._dice.randint(1, HELD_BACK), to, notice))
        else:
            self._outgoing.put_nowait((to, notice))
        if self._dice.random() < self._duplicates:
            self.tally.repeated += 1
            self._held.append((self._dice.randint(1, HELD_BACK), to, notice))

    def _release(self, *, everything: bool = False) -> None:
        waiting = [(left - 1, to, notice) for left, to, notice in self._held]
        self._held = [one for one in waiting if one[0] > 0 and not everything]
        for left, to, notice in waiting:
            if left <= 0 or everything:
                self._outgoing.put_nowait((to, notice))

    async def _carry(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            to, notice = await self._outgoing.get()
            wait_s = AGAIN_S
            while not await loop.run_in_executor(self._threads, self._deliver, to, notice):
                self.tally.refused += 1
                await asyncio.sleep(wait_s)
                wait_s = min(LONGEST_WAIT_S, wait_s * 2)
            self.tally.taken += 1
            self._outgoing.task_done()

    def _deliver(self, to: Subscription, notice: Notice) -> bool:
        """One attempt, signed at its own time. Whether it was taken."""
        hooks = self._hooks[to.system]
        headers = hooks.signed(notice, to.url, to.secret, self._world.now())
        parts = urlsplit(to.url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        try:
            connection = self._connection(parts.netloc)
            connection.request("POST", path, body=notice.body, headers=dict(headers))
            answer = connection.getresponse()
            answer.read()
            return 200 <= answer.status < 300
        except (OSError, http.client.HTTPException):
            self._connection(parts.netloc).close()
            return False

    def _connection(self, netloc: str) -> http.client.HTTPConnection:
        kept: dict[str, http.client.HTTPConnection] = self._kept.__dict__
        if netloc not in kept:
            kept[netloc] = http.client.HTTPConnection(netloc, timeout=TIMEOUT_S)
            self._connections.append(kept[netloc])
        return kept[netloc]
