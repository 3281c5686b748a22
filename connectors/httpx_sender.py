"""The way out through httpx over aiohttp's pool, where the faster one is not installed, and in
tests (docs/adr/0011). Imported where it is used: both libraries together take half a second.
"""

import ssl
from functools import cache

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from connectors.sender import Incoming, Outgoing, SendFailed, TooLarge


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
