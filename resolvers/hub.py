"""One log, many listeners: a process reads what is new once, and hands it to whoever follows it.

    log  >  one task reads on from where it stands  >  topics of each entry  >  listeners' queues

The sequence of the log is the only cursor. `wake` makes the task look at once; it looks by itself
every now and then, so that nothing depends on being woken.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Final, Generic, Protocol, Self, TypeVar

from domain.errors import GatewayError, InputError, StoreError

logger = logging.getLogger(__name__)

PAGE: Final = 100
"""Entries read at once."""
QUEUE: Final = 1_000
"""Entries that wait for one listener."""
POLL_S: Final = 0.25


class FellBehind(GatewayError):
    """More came than a listener took; it goes on from `cursor`, where nothing is lost."""

    code = "SLOW_CONSUMER"


class Entry(Protocol):
    @property
    def sequence(self) -> int: ...


E = TypeVar("E", bound=Entry)


class Log(Protocol[E]):
    """A log, and who is told of what in it."""

    async def after(self, sequence: int, first: int) -> Sequence[E]:
        """Entries in order, from the one after `sequence`."""
        ...

    async def head(self) -> int: ...

    async def topics(
        self, entries: Sequence[E], asked: Collection[Hashable]
    ) -> list[Collection[Hashable]]:
        """Of those asked about, the topics of each entry, in order."""
        ...


class Listener(Generic[E]):
    """What waits for one who follows a topic; `fell_behind` once it was too much, and then none."""

    __slots__ = ("_news", "_room", "entries", "fell_behind", "topic")

    def __init__(self, topic: Hashable, room: int) -> None:
        self.topic = topic
        self.entries: deque[E] = deque()
        self.fell_behind = False
        self._room = room
        self._news = asyncio.Event()

    def put(self, entry: E) -> None:
        if self.fell_behind:
            return
        if len(self.entries) >= self._room:
            self.fell_behind = True
            self.entries.clear()
        else:
            self.entries.append(entry)
        self._news.set()

    def clear(self) -> None:
        self.entries.clear()
        self.fell_behind = False

    def call(self) -> None:
        """Have whoever waits look again."""
        self._news.set()

    async def news(self) -> None:
        if not self.entries and not self.fell_behind:
            self._news.clear()
            await self._news.wait()


class Hub(Generic[E]):
    """`interval_s` says how long nobody looks unless woken. The task runs while anybody listens."""

    def __init__(
        self,
        log: Log[E],
        *,
        interval_s: Callable[[], float] = lambda: POLL_S,
        room: int = QUEUE,
    ) -> None:
        self.log = log
        self._interval_s = interval_s
        self._room = room
        self._listeners: dict[Hashable, set[Listener[E]]] = {}
        self._at = 0
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_lost = False

    def wake(self) -> None:
        self._woken.set()

    async def listen(self, topic: Hashable) -> tuple[Listener[E], int]:
        """A listener that is told of everything after the sequence beside it."""
        async with self._turn:
            if not self._listeners:
                self._at = await self.log.head()
            listener: Listener[E] = Listener(topic, self._room)
            self._listeners.setdefault(topic, set()).add(listener)
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._run())
            return listener, self._at

    async def again(self, listener: Listener[E]) -> int:
        """Forget what waits for it; it is told of everything after the sequence returned."""
        async with self._turn:
            listener.clear()
            return self._at

    def leave(self, listener: Listener[E]) -> None:
        group = self._listeners.get(listener.topic, set())
        group.discard(listener)
        if not group:
            self._listeners.pop(listener.topic, None)
        if not self._listeners:
            self.wake()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    # ---------------------------------------------------------------- the one that reads

    async def _run(self) -> None:
        while self._listeners:
            self._woken.clear()
            if await self._looked():
                await asyncio.sleep(0)  # who listens has its turn between two pages
            else:
                await self._pause()

    async def _looked(self) -> bool:
        """Whether there may be more. A store that fails is asked again after a pause."""
        try:
            async with self._turn:
                more = await self._step()
        except StoreError as error:
            if not self._is_lost:
                logger.warning("log_lost error=%s", error.code)
            self._is_lost = True
            return False
        if self._is_lost:
            logger.info("log_recovered")
            self._is_lost = False
        return more

    async def _step(self) -> bool:
        entries = await self.log.after(self._at, PAGE)
        if not entries:
            return False
        told = await self.log.topics(entries, list(self._listeners))
        for entry, topics in zip(entries, told, strict=True):
            for topic in topics:
                for listener in self._listeners.get(topic, ()):
                    listener.put(entry)
        self._at = entries[-1].sequence
        return len(entries) == PAGE

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._interval_s()):
                await self._woken.wait()
        except TimeoutError:
            pass


class Feed(Generic[E]):
    """A log from a place on, for one who follows a topic: first what was missed, from the log, then
    what comes, from the hub. Each entry once, in order.
    """

    def __init__(self, hub: Hub[E], listener: Listener[E], *, position: int, until: int) -> None:
        self._hub = hub
        self._listener = listener
        self._until = until
        self._missed: deque[E] = deque()
        self.position = position
        """The last sequence that was taken, or found to be of no interest."""

    @classmethod
    async def open(cls, hub: Hub[E], topic: Hashable, after: int | None) -> Self:
        """From `after` on, else from the head. Raises InputError for a place nobody was at yet."""
        listener, until = await hub.listen(topic)
        try:
            head = await hub.log.head()
            if after is not None and after > head:
                raise InputError("after: not a cursor of this log")
        except BaseException:
            hub.leave(listener)
            raise
        return cls(hub, listener, position=head if after is None else after, until=until)

    async def ready(self) -> None:
        """Until there is something to take, or somebody calls. May be given up."""
        if not self._missed and self.position >= self._until:
            await self._listener.news()

    async def take(self) -> E | None:
        """The next entry; None where there is none just now. Raises FellBehind."""
        if self.position < self._until and not self._missed:
            await self._catch_up()
        waiting = self._missed or self._listener.entries
        while waiting:
            entry = waiting.popleft()
            if entry.sequence > self.position:
                self.position = entry.sequence
                return entry
        if self._listener.fell_behind and self.position >= self._until:
            raise FellBehind("more came than was taken; go on after the cursor")
        return None

    def call(self) -> None:
        self._listener.call()

    def close(self) -> None:
        self._hub.leave(self._listener)

    async def _catch_up(self) -> None:
        """One page. What the hub could not hold meanwhile is read from the log as well."""
        if self._listener.fell_behind:
            self._until = await self._hub.again(self._listener)
        entries = await self._hub.log.after(self.position, PAGE)
        told = await self._hub.log.topics(entries, [self._listener.topic])
        self._missed.extend(entry for entry, topics in zip(entries, told, strict=True) if topics)
        if not self._missed:
            self.position = entries[-1].sequence if entries else self._until

    # graphql-core asks of a source of events that it can be iterated.

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        while True:
            found = await self.take()
            if found is not None:
                return found
            await self.ready()
