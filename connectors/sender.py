"""The narrow way out: one exchange over HTTP, and nothing of it that a connector could hold."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

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


class HttpxSender:
    """`Sender` over an httpx transport, which it speaks to directly: the client above it would add
    redirects, cookies, proxies and .netrc credentials from the environment, and its own cost.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    @classmethod
    def pooled(cls, connections: int = 100) -> "HttpxSender":
        """A sender with a pool of its own: one for each source, so that none starves another."""

        def session() -> aiohttp.ClientSession:
            connector = aiohttp.TCPConnector(
                limit=connections, keepalive_timeout=30.0, ssl=_certificates()
            )
            return aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )

        return cls(AiohttpTransport(client=session))

    async def send(self, outgoing: Outgoing) -> Incoming:
        try:
            return await self._exchange(outgoing)
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            httpx.StreamError,
            aiohttp.ClientError,
            OSError,
            ValueError,  # aiohttp's word for a header or URL it cannot send
        ) as error:
            raise SendFailed(type(error).__name__) from None

    async def _exchange(self, outgoing: Outgoing) -> Incoming:
        request = httpx.Request(
            outgoing.method, outgoing.url, headers=outgoing.headers, content=outgoing.body
        )
        response = await self._transport.handle_async_request(request)
        try:
            body = await _body(response, outgoing.max_bytes)
        finally:
            await response.aclose()
        return Incoming(status=response.status_code, headers=response.headers, body=body)

    async def close(self) -> None:
        await self._transport.aclose()


@cache
def _certificates() -> ssl.SSLContext:
    """httpx's own bundle, since an image may hold none, unless SSL_CERT_FILE names another."""
    return httpx.create_ssl_context()


async def _body(response: httpx.Response, max_bytes: int) -> bytes:
    """The decoded body; counted after decompression, so that a small bomb is cut as well."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > max_bytes:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)
