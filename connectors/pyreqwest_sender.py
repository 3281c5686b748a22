"""The way out through pyreqwest: reqwest and its pool, in Rust (figures in docs/adr/0011)."""

import asyncio
import os
from datetime import timedelta
from functools import cache
from pathlib import Path

import certifi
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from connectors.sender import Incoming, Outgoing, SendFailed, TooLarge

KEPT_CONNECTIONS = 100
GRACE_S = 0.1
"""After the deadline, at which the caller cancels, what is under way in Rust ends for good."""


class PyreqwestSender:
    """`Sender` over pyreqwest's own API. Its transport for httpx would build a request and an
    answer of httpx around each exchange, at twice the cost.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    @classmethod
    def pooled(cls) -> "PyreqwestSender":
        """A sender with a pool of its own, and nothing of the environment's proxies."""
        builder = ClientBuilder().follow_redirects(False).referer(False).no_proxy()
        builder = builder.pool_max_idle_per_host(KEPT_CONNECTIONS).http1_lower_case_headers()
        for certificate in _certificates():
            builder = builder.add_root_certificate_pem(certificate)
        return cls(builder.build())

    async def send(self, outgoing: Outgoing) -> Incoming:
        try:
            async with self._built(outgoing) as response:
                body = await _body(response, outgoing.max_bytes)
                return Incoming(status=response.status, headers=response.headers, body=body)
        except (PyreqwestError, OSError, ValueError) as error:
            raise SendFailed(type(error).__name__) from None

    async def close(self) -> None:
        await self._client.close()

    def _built(self, outgoing: Outgoing) -> StreamRequest:
        left_s = outgoing.deadline - asyncio.get_running_loop().time()
        request = self._client.request(outgoing.method, outgoing.url).headers(outgoing.headers)
        request = request.timeout(timedelta(seconds=max(left_s, 0.0) + GRACE_S))
        if outgoing.body is not None:
            request = request.body_bytes(outgoing.body)
        # What is read ahead goes on when the caller is cancelled, so nothing is.
        return request.streamed_read_buffer_limit(0).build_streamed()


async def _body(response: Response, max_bytes: int) -> bytes:
    """The decoded body; counted after decompression, so that a small bomb is cut as well. One that
    says how long it is, and is not compressed, is read in one go.
    """
    length = response.get_header("content-length")
    if (
        length is not None
        and length.isdecimal()
        and response.get_header("content-encoding") is None
    ):
        if int(length[:19]) > max_bytes:
            raise TooLarge
        return bytes(await response.bytes())
    reader = response.body_reader
    first = await reader.read_chunk()
    if first is None:
        return b""
    parts, size = [first], len(first)
    while size <= max_bytes:
        part = await reader.read_chunk()
        if part is None:
            return bytes(first) if len(parts) == 1 else b"".join(parts)
        parts.append(part)
        size += len(part)
    raise TooLarge


@cache
def _certificates() -> tuple[bytes, ...]:
    """Beside the system's: the bundle httpx comes with, since an image may hold none, unless
    SSL_CERT_FILE says whom to trust.
    """
    named = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
    if named:
        return ()
    end = b"-----END CERTIFICATE-----\n"
    bundle = Path(certifi.where()).read_bytes()
    return tuple(part + end for part in bundle.split(end) if b"-----BEGIN" in part)
