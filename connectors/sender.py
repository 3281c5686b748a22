"""The narrow way out: one exchange over HTTP, and nothing of it that a connector could hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.sources import Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request as it goes over the wire. `deadline` is in seconds of the event loop's clock; the
    caller cuts the exchange at it, a sender may use it for timers of its own.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    deadline: Deadline
    max_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A whole answer, content encoding undone. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class SendFailed(Exception):
    """There is no whole answer. The text is the name of the cause, never its message: messages of
    HTTP libraries hold addresses.
    """


class TooLarge(Exception):
    """The answer is longer than `max_bytes`."""


class Sender(Protocol):
    async def send(self, outgoing: Outgoing) -> Incoming:
        """One exchange: redirects are answers, nothing is repeated, no cookie is kept. Raises
        SendFailed or TooLarge, and may be cancelled at any moment.
        """
        ...

    async def close(self) -> None: ...


class InPlace:
    """A sender of the source's own in place of the one it was given; both are closed. What goes
    elsewhere than to the source at `address` (a token endpoint) still takes the one given.
    """

    def __init__(self, given: Sender, own: Sender, address: str) -> None:
        self._given, self._own, self._address = given, own, address

    async def send(self, outgoing: Outgoing) -> Incoming:
        own = outgoing.url.startswith(f"{self._address}/")
        return await (self._own if own else self._given).send(outgoing)

    async def close(self) -> None:
        await self._own.close()
        await self._given.close()
