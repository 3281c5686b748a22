"""What one source may be burdened with: calls at once, calls in a time, and pauses it asked for."""

import asyncio
from collections.abc import Mapping
from random import Random

from aiolimiter import AsyncLimiter

from connectors.request import Request
from connectors.spec import Limits
from domain.errors import SourceRateLimited, SourceTimeout
from domain.sources import Deadline
from domain.waiting import before


class Gate:
    """Waiting here counts against the caller's deadline. A pause that does not fit into it is
    refused at once, without a call.
    """

    def __init__(
        self, source: str, limits: Limits, dice: Random, rates: Mapping[str, float] | None = None
    ) -> None:
        """`rates` stand in for the amounts of the spec."""
        amounts = rates or {}
        self._source = source
        self._dice = dice
        self._slots = asyncio.Semaphore(limits.concurrency.value)
        self._rates = {
            lane: AsyncLimiter(amounts.get(lane, rate.amount.value), rate.period_s)
            for lane, rate in limits.rates.items()
        }
        self._paused_until: dict[str, float] = {}

    async def enter(self, request: Request, deadline: Deadline) -> None:
        """Take a slot, which `leave` gives back. Raises SourceRateLimited where our limit or the
        source's pause outlasts the deadline, and SourceTimeout where other calls do.
        """
        if self._paused_until:
            await self._sit_out_pause(request, deadline)
        if self._rates:
            await self._keep_rate(request, deadline)
        await self._take_slot(deadline)

    def leave(self) -> None:
        self._slots.release()

    def pause(self, request: Request, seconds: float) -> None:
        """The source said wait: nobody asks on these lanes before."""
        until = asyncio.get_running_loop().time() + seconds
        for lane in request.lanes:
            self._paused_until[lane] = max(until, self._paused_until.get(lane, 0.0))

    async def _sit_out_pause(self, request: Request, deadline: Deadline) -> None:
        now = asyncio.get_running_loop().time
        while (wait_s := self._pause_s(request, now())) > 0:
            if now() + wait_s >= deadline:
                raise SourceRateLimited(self._source, "asked to wait", round(wait_s, 3))
            # Spread, so that those who waited together do not return together.
            await asyncio.sleep(min(wait_s + self._dice.uniform(0, 0.05), deadline - now()))

    def _pause_s(self, request: Request, now: float) -> float:
        return max((self._paused_until.get(lane, 0.0) for lane in request.lanes), default=0.0) - now

    async def _keep_rate(self, request: Request, deadline: Deadline) -> None:
        for lane in request.lanes:
            rate = self._rates.get(lane)
            if rate is None:
                continue
            cost = min(request.cost, rate.max_rate)
            if rate.has_capacity(cost):
                await rate.acquire(cost)
                continue
            try:
                with before(deadline):
                    await rate.acquire(cost)
            except TimeoutError:
                raise SourceRateLimited(self._source, "our own rate limit is used up") from None

    async def _take_slot(self, deadline: Deadline) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            with before(deadline):
                await self._slots.acquire()
        except TimeoutError:
            raise SourceTimeout(self._source, "no free connection before the deadline") from None
