"""The cache in front of the sources: what is young enough is handed out, the rest is asked for.

    young as the caller asks          CACHE
    older, within the window          STALE_CACHE, where the caller allows it; asked for anew behind
    being asked by somebody           waits for that answer
    else                              one call for all keys of the question; an error is not kept

Kept records are not masked: that is done as they are handed to a caller.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from domain.errors import SourceError
from domain.ports import Clock, Telemetry
from domain.provenance import Freshness
from domain.sources import Deadline, Fields
from gateway.answers import logged
from gateway.entities.entry import Answer, Entry, covers, joined
from gateway.entities.flights import Flight, Flights, Question
from gateway.entities.shelves import Key, Tag
from gateway.entities.store import Entries, Stamp

_NEVER: Final = object()
NOTHING_S: Final = 5.0
"""How long it is believed that a row does not exist: whoever asks for one has just heard of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How old an answer may be for one caller, in seconds: `young_s`, or up to `stale_s` while it
    is asked for anew, for which there is `patience_s`.
    """

    young_s: float
    stale_s: float
    patience_s: float


@dataclass(slots=True)
class _Sorted:
    """What a look brought, by what is to be done. `fields` is what to ask the missing for."""

    fields: Fields
    found: dict[Key, Answer] = field(default_factory=dict)
    aging: list[Key] = field(default_factory=list)
    missing: list[Key] = field(default_factory=list)


class EntityCache:
    """One for the process, in front of all sources. `keep_s` bounds how long anything is kept,
    `stale_s` how far beyond a caller's age it is handed out while it is asked for anew.
    """

    def __init__(
        self, entries: Entries, clock: Clock, telemetry: Telemetry, *, keep_s: float, stale_s: float
    ) -> None:
        self._entries = entries
        self._clock = clock
        self._telemetry = telemetry
        self._keep_s = keep_s
        self._stale_s = stale_s
        self._flights = Flights()
        self._refreshing: set[asyncio.Task[None]] = set()

    def window(self, freshness: Freshness, patience_s: float) -> Window:
        """Never staler than twice what was asked for, so that a caller who asks for live answers
        has them.
        """
        young_s = min(self._keep_s, freshness.max_age_ms / 1000)
        more_s = min(self._stale_s, young_s) if freshness.allow_stale else 0.0
        return Window(
            young_s=young_s, stale_s=min(self._keep_s, young_s + more_s), patience_s=patience_s
        )

    def young(
        self, keys: Sequence[Key], fields: Fields, window: Window, hit: Mapping[str, str]
    ) -> list[Any] | None:
        """One answer per key, in order and of the kind of its shelf, where all are in the process
        and young and whole enough for the caller, so that nothing is waited for. None where `read`
        has to look closer. `hit` is what `told` says of them.
        """
        entries = self._entries.at_hand(keys) if window.young_s > 0 else None
        if entries is None:
            return None
        since = self._clock.now().timestamp() - window.young_s
        covered: Fields | object = fields  # those of one operation, and of one batch, share theirs
        answers: list[Any] = []
        for entry in entries:
            answer = entry.as_kept
            if entry.at < since or (answer is None and entry.is_nothing):
                return None
            if entry.fields is not covered:
                if not covers(entry.fields, fields):
                    return None
                covered = entry.fields
            answers.append(entry.kept() if answer is None else answer)
        self._telemetry.count("cache_answers", hit, len(answers))
        return answers

    async def read(self, question: Question, window: Window) -> dict[Key, Answer]:
        """An answer for every key."""
        found = await self._round(question, window)
        while len(found) < len(question.keys):
            due = [key for key in question.keys if key not in found]
            found |= await self._round(question.of(due), window)
        return found

    async def drop(self, dropped: Collection[Tag]) -> None:
        """Something has changed at a source."""
        self._flights.drop(dropped)
        await self._entries.drop(dropped)

    async def close(self) -> None:
        """Ends what is being asked for anew."""
        tasks = list(self._refreshing)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _round(self, question: Question, window: Window) -> dict[Key, Answer]:
        look = await self._entries.look(question.keys)
        now = self._clock.now().timestamp()
        done = _sorted(question, look.entries, now, window)
        fresh, stale = len(done.found) - len(done.aging), len(done.aging)
        self._count(question.source, question.kind, hit=fresh, stale=stale)
        if done.aging:
            self._refresh(question.of(done.aging), look.stamp, window)
        if done.missing:
            missing = question.of(done.missing, done.fields)
            done.found |= await self._ask(missing, look.stamp, now, window)
        return done.found

    async def _ask(
        self, question: Question, stamp: Stamp, now: float, window: Window
    ) -> dict[Key, Answer]:
        """Our own question first: no two who wait for each other's part wait for ever."""
        aboard, own = self._aboard(question, now - window.young_s)
        found: dict[Key, Answer] = {}
        joined = len(question.keys) - len(own)
        self._count(question.source, question.kind, joined=joined, miss=len(own))
        if own:
            flight = self._flights.take_off(question.of(own), now)
            found |= await self._flown(flight, stamp)
        for other, keys in aboard.items():
            found |= await other.answers(keys, question.deadline)
        return found

    def _aboard(
        self, question: Question, since: float
    ) -> tuple[dict[Flight, list[Key]], list[Key]]:
        """Which keys others are asking for, and which nobody is."""
        aboard: dict[Flight, list[Key]] = {}
        own: list[Key] = []
        for key in question.keys:
            flight = self._flights.get(key)
            if flight is not None and flight.serves(question.fields, since):
                aboard.setdefault(flight, []).append(key)
            else:
                own.append(key)
        return aboard, own

    async def _flown(self, flight: Flight, stamp: Stamp) -> Mapping[Key, Answer]:
        try:
            landed = await self._flights.fly(flight)
            fields = flight.question.fields
            good = {
                key: Entry(answer, fields, flight.at)
                for key, answer in landed.items()
                if not isinstance(answer, SourceError)
            }
            await self._entries.put(good, stamp)
            return landed
        finally:
            self._flights.end(flight)

    def _refresh(self, question: Question, stamp: Stamp, window: Window) -> None:
        """Ask behind the caller's back, once however many are handed what is stale."""
        keys = [key for key in question.keys if key not in self._flights]
        if not keys:
            return
        deadline = Deadline(asyncio.get_running_loop().time() + window.patience_s)
        again = question.of(keys)
        again.deadline = deadline
        flight = self._flights.take_off(again, self._clock.now().timestamp())
        task = asyncio.create_task(self._refreshed(flight, stamp))
        self._refreshing.add(task)
        task.add_done_callback(self._refreshing.discard)

    async def _refreshed(self, flight: Flight, stamp: Stamp) -> None:
        try:
            await self._flown(flight, stamp)
        except Exception as error:  # noqa: BLE001  # nobody waits for it; it is logged by its id
            logged(error)

    def _count(self, source: str, kind: str, **outcomes: int) -> None:
        for outcome, count in outcomes.items():
            if count:
                self._telemetry.count("cache_answers", told(source, kind, outcome), count)


def told(source: str, kind: str, outcome: str) -> Mapping[str, str]:
    """What is told with the figure of answers that came to this."""
    return {"source": source, "kind": kind, "outcome": outcome}


def _sorted(
    question: Question, entries: Sequence[Entry | None], now: float, window: Window
) -> _Sorted:
    done = _Sorted(question.fields)
    covered: Fields | object = _NEVER
    is_whole = False
    for key, entry in zip(question.keys, entries, strict=True):
        if entry is None:
            done.missing.append(key)
            continue
        if entry.fields is not covered:  # those of one batch share theirs
            covered, is_whole = entry.fields, covers(entry.fields, question.fields)
        age_s = now - entry.at
        young_s = min(NOTHING_S, window.young_s) if entry.is_nothing else window.young_s
        if is_whole and age_s <= young_s and young_s > 0:
            done.found[key] = entry.kept()
        elif is_whole and young_s < age_s <= window.stale_s and not entry.is_nothing:
            done.found[key] = entry.stale()
            done.aging.append(key)
        else:
            done.missing.append(key)
            if not is_whole and age_s <= young_s:
                # Two who read different parts of a row do not push each other's out for ever.
                done.fields = joined(done.fields, entry.fields)
    return done
