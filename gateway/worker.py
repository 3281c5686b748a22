"""The worker: applies what is in the inbox, and does now and then what keeps all of it well.

    applying     claim > resolvers.events > settle; woken by a delivery, else by POLL_S
    chores       by whichever worker has the lease: reconcile, resolve, tidy; by each: figures

Several processes may each run one, beside each other, over one store. A worker that is killed has
its claims taken over once their lease ends.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Final

from domain.errors import GatewayError, StoreError
from domain.inbox import Claim, Entry, Inbox, Postponed
from domain.ports import Clock
from gateway.answers import logged
from gateway.config_kept import Inbox as Settings
from gateway.telemetry import PrometheusTelemetry
from resolvers.events import Events, Outcome

logger = logging.getLogger(__name__)

BATCH: Final = 100
"""Rows are read, stored and resolved together; a vendor's batch is rarely larger."""
LEASE_S: Final = 10.0
"""How long nothing may be heard of a worker before its claim goes to another."""
EXTEND_S: Final = LEASE_S / 3
POLL_S: Final = 1.0
STRIKES: Final = 5
"""Faults of its own, or deaths of its workers, after which an event is put aside."""
STRUCK_WAIT_S: Final = 5.0
FIGURES_S: Final = 5.0
TIDY_S: Final = 3600.0
CHORES_LEASE_S: Final = 60.0
RESOLVE_LOOK_S: Final = 3600.0
"""How often it is looked whether everything is to be resolved, and so long not after a start."""

Reconcile = Callable[[str], Awaitable[None]]
Resolve = Callable[[], Awaitable[object]]


class Worker:
    """One process's. `reconcile` reads what changed at the source it is handed the name of;
    `resolve` resolves everything, at most every `resolve_s` among all workers.
    """

    def __init__(
        self,
        *,
        inbox: Inbox,
        events: Events,
        sources: Sequence[str],
        reconcile: Reconcile,
        resolve: Resolve,
        resolve_s: float,
        settings: Settings,
        clock: Clock,
        telemetry: PrometheusTelemetry,
    ) -> None:
        self._inbox = inbox
        self._events = events
        self._sources = sources
        self._reconcile = reconcile
        self._resolve = resolve
        self._resolve_s = resolve_s
        self._settings = settings
        self._clock = clock
        self._telemetry = telemetry
        self._name = secrets.token_hex(8)
        self._paused: dict[str, datetime] = {}
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        """Something has come in."""
        self._nudged.set()

    @asynccontextmanager
    async def running(self, *, applying: bool = True) -> AsyncIterator[None]:
        """Work while the block runs. Leaving it, what is being applied is finished first."""
        stopping = asyncio.Event()
        tasks = [asyncio.create_task(self._watch(stopping))]
        if applying:
            tasks += [
                asyncio.create_task(self._apply_all(stopping)),
                asyncio.create_task(self._do_chores(stopping)),
            ]
        try:
            yield
        finally:
            stopping.set()
            self._nudged.set()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Exception):
                    logged(outcome)

    # ------------------------------------------------------------ applying

    async def _apply_all(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                busy = await self.apply_some()
            except StoreError:
                logger.exception("inbox_unreachable")
                busy = False
            if not busy:
                await self._rest()

    async def apply_some(self) -> bool:
        """Claim and apply once. Whether there was anything. Raises StoreError."""
        now = self._clock.now()
        self._paused = {name: until for name, until in self._paused.items() if until > now}
        claim = await self._inbox.claim(BATCH, LEASE_S, without=self._paused.keys())
        if claim is None:
            return False
        async with self._holding(claim):
            outcome = await self._applied(claim)
        died = await self._inbox.settle(
            claim, done=outcome.done, again=outcome.again, limit=STRIKES
        )
        self._tell(claim, outcome, died)
        return True

    @asynccontextmanager
    async def _holding(self, claim: Claim) -> AsyncIterator[None]:
        """Extend the lease while the block runs, however long that is."""
        over = asyncio.Event()

        async def extend() -> None:
            while not await _until(over, EXTEND_S):
                with suppress(StoreError):  # it may be too late; settling will tell
                    await self._inbox.extend(claim, LEASE_S)

        extending = asyncio.create_task(extend())
        try:
            yield
        finally:
            over.set()
            await extending

    async def _applied(self, claim: Claim) -> Outcome:
        """One event that breaks what nobody foresaw does not take the others with it."""
        try:
            outcome = await self._events.apply(claim.entries)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  # logged under an id; the entry has a strike
            if len(claim.entries) > 1:
                return await self._one_by_one(claim)
            return self._struck(claim.entries[0], error)
        self._paused |= outcome.paused
        return outcome

    async def _one_by_one(self, claim: Claim) -> Outcome:
        whole = Outcome()
        for entry in claim.entries:
            alone = Claim(token=claim.token, since=claim.since, until=claim.until, entries=(entry,))
            one = await self._applied(alone)
            whole.done += one.done
            whole.again += one.again
            whole.counts += one.counts
        return whole

    def _struck(self, entry: Entry, error: Exception) -> Outcome:
        known = logged(error)
        outcome = Outcome()
        outcome.counts[entry.source, "failed"] += 1
        outcome.again.append(
            Postponed(
                source=entry.source,
                event_id=entry.event_id,
                due_at=self._clock.now() + timedelta(seconds=STRUCK_WAIT_S * 4**entry.strikes),
                reason=f"internal error {known} ({type(error).__name__})",
                strike=True,
            )
        )
        return outcome

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._nudged.wait()
        self._nudged.clear()

    def _tell(self, claim: Claim, outcome: Outcome, died: int) -> None:
        now = self._clock.now()
        for (source, what), count in outcome.counts.items():
            labels = {"source": source, "outcome": what}
            self._telemetry.count("inbox_events", labels, count)
        for entry in outcome.done:
            age_s = (now - entry.received_at).total_seconds()
            self._telemetry.observe("inbox_wait_seconds", {"source": entry.source}, age_s)
        if died:
            logger.warning("inbox_dead count=%s of=%s", died, len(claim.entries))

    # ------------------------------------------------------------ chores

    async def _watch(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            with suppress(StoreError):  # told by whoever needs the store
                await self.measure()
            await _until(stopping, FIGURES_S)

    async def measure(self) -> None:
        """Tell how much waits, and how long."""
        figures = await self._inbox.figures()
        now = self._clock.now()
        age_s = (now - figures.oldest).total_seconds() if figures.oldest else 0.0
        self._telemetry.gauge("inbox_waiting", figures.waiting)
        self._telemetry.gauge("inbox_dead", figures.dead)
        self._telemetry.gauge("inbox_oldest_seconds", max(0.0, age_s))

    async def _do_chores(self, stopping: asyncio.Event) -> None:
        """The first reconcile comes in its time, not at the start: `serve` is there to answer."""
        loop = asyncio.get_running_loop()
        tidied_at = reconciled_at = looked_at = loop.time()
        while not await _until(stopping, CHORES_LEASE_S / 3):
            try:
                if not await self._inbox.lead("chores", self._name, CHORES_LEASE_S):
                    continue
                if loop.time() - tidied_at >= TIDY_S:
                    tidied_at = loop.time()
                    await self.tidy()
                every_s = self._settings.reconcile_s
                if every_s and loop.time() - reconciled_at >= every_s:
                    reconciled_at = loop.time()
                    await self.reconcile_all(stopping)
                if loop.time() - looked_at >= min(self._resolve_s, RESOLVE_LOOK_S):
                    looked_at = loop.time()
                    await self.resolve_all(stopping)
            except StoreError:
                logger.exception("inbox_unreachable")

    async def tidy(self) -> int:
        """Forget what is past its time."""
        now = self._clock.now()
        settings = self._settings
        return await self._inbox.tidy(
            now - timedelta(days=settings.keep_days), now - timedelta(days=settings.keep_dead_days)
        )

    async def reconcile_all(self, stopping: asyncio.Event) -> None:
        """One source after the other, as long as the lease is ours; one that fails keeps nobody."""
        for name in self._sources:
            if stopping.is_set() or not await self._inbox.lead(
                "chores", self._name, CHORES_LEASE_S
            ):
                return
            await self._leading(self._reconciled(name), stopping)
            self._nudged.set()

    async def resolve_all(self, stopping: asyncio.Event) -> None:
        """Resolve everything, where nobody has for so long: who asks has a name of its own, so that
        the lease holds until then, over restarts too.
        """
        once = secrets.token_hex(8)
        if self._resolve_s and await self._inbox.lead("resolve", once, self._resolve_s):
            await self._leading(self._resolved(), stopping)

    async def _leading(self, work: Coroutine[None, None, None], stopping: asyncio.Event) -> None:
        """Do it and keep the lease on chores meanwhile; it is given up when it is time to stop."""
        doing, halt = asyncio.create_task(work), asyncio.create_task(stopping.wait())
        try:
            while not doing.done() and not halt.done():
                await self._inbox.lead("chores", self._name, CHORES_LEASE_S)
                await asyncio.wait(
                    {doing, halt}, timeout=CHORES_LEASE_S / 3, return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            halt.cancel()
            doing.cancel()  # nothing, where it is done
            with suppress(asyncio.CancelledError):
                await doing

    async def _reconciled(self, name: str) -> None:
        outcome = "done"
        try:
            await self._reconcile(name)
        except GatewayError as error:
            outcome = "failed"
            logger.warning("reconcile_failed source=%s code=%s", name, error.code)
        self._telemetry.count("reconciles", {"source": name, "outcome": outcome})

    async def _resolved(self) -> None:
        outcome = "done"
        try:
            await self._resolve()
        except Exception as error:  # noqa: BLE001  # logged under an id; other chores go on
            outcome = "failed"
            logger.warning("resolve_failed id=%s", logged(error))
        self._telemetry.count("resolves", {"outcome": outcome})


async def _until(stopping: asyncio.Event, seconds: float) -> bool:
    """Wait so long, or until it is time to stop, which it says."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
    return stopping.is_set()
