"""The shared layer between connectors and the network.

A request in, a decoded reply or one of our errors out; deadline, limits, retries, breaker and
de-duplication on the way. Errors name the source and nothing else: no address, header or body.
"""

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import count
from random import Random

from connectors.answers import WaitHeader, decoded, refusal
from connectors.auth import Authenticator, Signing
from connectors.breaker import Breaker, Phase
from connectors.flights import Flights
from connectors.limits import Gate
from connectors.monitor import Monitor
from connectors.request import Reply, Request
from connectors.retry import Retries
from connectors.sender import Incoming, Outgoing, Sender, SendFailed, TooLarge
from connectors.spec import Judge, Limits, no_judge
from domain.errors import (
    SourceAuthError,
    SourceError,
    SourceProtocolError,
    SourceRateLimited,
    SourceTimeout,
    SourceUnavailable,
)
from domain.ports import Clock
from domain.sources import Deadline
from domain.waiting import before

_HEADERS = {
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
    "user-agent": "knownas",
}


class Http:
    """All calls to one source.

    `timeout_s` is the source's usual time; a call that is given less than half of it and fails to
    be answered does not count against the source. `dice` spreads waits.
    """

    def __init__(
        self,
        *,
        source: str,
        base_url: str,
        sender: Sender,
        authenticator: Authenticator,
        limits: Limits,
        clock: Clock,
        monitor: Monitor,
        dice: Random,
        headers: Mapping[str, str] | None = None,
        judge: Judge = no_judge,
        refused: Judge = no_judge,
        wait_header: WaitHeader | None = None,
        rates: Mapping[str, float] | None = None,
        timeout_s: float = 3.0,
    ) -> None:
        self.monitor = monitor
        self._source = source
        self._base_url = base_url.rstrip("/")
        self._sender = sender
        self._authenticator = authenticator
        self._signing = authenticator if isinstance(authenticator, Signing) else None
        self._headers = {**_HEADERS, **_lowered((headers or {}).items())}
        self._max_bytes = limits.max_bytes.value
        self._clock = clock
        self._judge = judge
        self._refused = refused
        self._wait_header = wait_header
        self._fair_s = timeout_s / 2
        self._gate = Gate(source, limits, dice, rates)
        self._breaker = Breaker(source, dice)
        self._retries = Retries(dice)
        self._flights: Flights[Reply] = Flights()

    async def call(self, request: Request, deadline: Deadline) -> Reply:
        """The vendor's answer, complete before `deadline`. Raises SourceError.

        Identical reads under way are one call; their reply is shared and must not be changed.
        """
        if asyncio.get_running_loop().time() >= deadline:
            raise SourceTimeout(self._source, "no time was left to ask")
        if not request.read:
            return await self._called(request, deadline)
        asked = request.path, request.query, request.headers, request.body
        key = (self._authenticator.fingerprint, request.method, *asked)
        return await self._shared(key, request, deadline)

    async def close(self) -> None:
        await self._sender.close()

    async def _shared(self, key: object, request: Request, deadline: Deadline) -> Reply:
        while True:
            joined = key in self._flights
            if joined:
                self.monitor.deduplicated()
            try:
                start = partial(self._called, request, deadline)
                return await self._flights.join(key, start, deadline)
            except TimeoutError:
                raise SourceTimeout(self._source, "no answer before the deadline") from None
            except (SourceTimeout, SourceRateLimited):
                # The call was cut at another caller's deadline; ours may leave time to ask again.
                if not joined or asyncio.get_running_loop().time() >= deadline:
                    raise

    async def _called(self, request: Request, deadline: Deadline) -> Reply:
        """One call, with its attempts, made known to the monitor."""
        now = asyncio.get_running_loop().time
        started = now()
        try:
            reply = await self._attempts(request, deadline)
        except SourceError as error:
            self.monitor.failed(error, now() - started, self._breaker.remaining_s)
            raise
        self.monitor.succeeded(now() - started)
        return reply

    async def _attempts(self, request: Request, deadline: Deadline) -> Reply:
        self._retries.earn()
        for attempt in count(1):
            shown: dict[str, str] = {}
            try:
                return await self._attempt(request, shown, deadline)
            except SourceAuthError:
                # With nothing shown it was not the source that refused.
                if attempt > 1 or not shown or not self._authenticator.refused(shown):
                    raise
            except SourceError as error:
                if self._breaker.phase is Phase.OPEN:
                    raise
                wait_s = self._retries.wait_s(request, error, attempt, deadline)
                if wait_s is None:
                    raise
                await asyncio.sleep(wait_s)
            self.monitor.retried()
        raise AssertionError("count() does not end")

    async def _attempt(self, request: Request, shown: dict[str, str], deadline: Deadline) -> Reply:
        """`shown` is filled with the credentials it was made with."""
        self._breaker.check()
        shown.update(await self._credentials(deadline))
        await self._gate.enter(request, deadline)
        try:
            given_s = deadline - asyncio.get_running_loop().time()
            with self._breaker.watch(fair=given_s >= self._fair_s):
                reply = decoded(self._source, await self._sent(request, shown, deadline))
        finally:
            self._gate.leave()
        error = refusal(self._source, request, reply, self._clock.now(), self._wait_header)
        if error is not None:
            error = self._refused(self._source, reply) or error
        elif reply.data is not None and reply.status < 300:
            error = self._judge(self._source, reply)
        if error is None:
            return reply
        if isinstance(error, SourceRateLimited) and error.retry_after_s is not None:
            self._gate.pause(request, error.retry_after_s)
        raise error

    async def _credentials(self, deadline: Deadline) -> Mapping[str, str]:
        try:
            with before(deadline):
                return await self._authenticator.headers()
        except TimeoutError:
            raise SourceTimeout(self._source, "no credentials before the deadline") from None

    async def _sent(
        self, request: Request, shown: Mapping[str, str], deadline: Deadline
    ) -> Incoming:
        # The whole exchange is under one timer: per-read timeouts let a slow drip run on.
        try:
            with before(deadline):
                return await self._sender.send(self._outgoing(request, shown, deadline))
        except TimeoutError:
            raise SourceTimeout(self._source, "no whole answer before the deadline") from None
        except TooLarge:
            message = f"answered more than {self._max_bytes} bytes"
            raise SourceProtocolError(self._source, message) from None
        except SendFailed as error:
            raise SourceUnavailable(self._source, f"no answer ({error})") from None

    def _outgoing(self, request: Request, shown: Mapping[str, str], deadline: Deadline) -> Outgoing:
        url = self._base_url + request.target
        headers: Mapping[str, str] = self._headers
        if request.headers or shown:
            headers = {**headers, **_lowered(request.headers), **shown}
        if self._signing is not None:
            target = url[len(origin(url)) :]
            headers = {**headers, **self._signing.sign(request.method, target, request.body)}
        return Outgoing(
            method=request.method,
            url=url,
            headers=headers,
            body=request.body,
            deadline=deadline,
            max_bytes=self._max_bytes,
        )


def origin(url: str) -> str:
    """Scheme and host of an address."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _lowered(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}
