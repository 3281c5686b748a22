"""The way out over real sockets: what a server may do to us."""

import asyncio
import gzip
import socket
import struct
from collections.abc import Mapping
from typing import Any

import pytest

from connectors.httpx_sender import HttpxSender
from connectors.pyreqwest_sender import PyreqwestSender
from connectors.sender import Outgoing, SendFailed, TooLarge
from domain.sources import Deadline


def outgoing(
    url: str, *, max_bytes: int = 100_000, headers: Mapping[str, str] | None = None, **more: Any
) -> Outgoing:
    return Outgoing(
        method=more.get("method", "GET"),
        url=url,
        headers={"accept-encoding": "gzip", **(headers or {})},
        body=more.get("body"),
        deadline=Deadline(asyncio.get_running_loop().time() + 5),
        max_bytes=max_bytes,
    )


async def head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def plain(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.fixture(params=[HttpxSender, PyreqwestSender])
async def sender(request: pytest.FixtureRequest) -> Any:
    made = request.param.pooled()
    yield made
    await made.close()


async def test_an_answer_comes_whole_with_lower_case_headers(wire: Any, sender: Any) -> None:
    seen: list[bytes] = []

    async def talk(reader: Any, writer: Any) -> None:
        seen.append(await head(reader))
        writer.write(plain(gzip.compress(b'{"a": 1}'), "Content-Encoding: gzip", "X-Kept: Yes"))
        await writer.drain()

    got = await sender.send(outgoing(f"{await wire(talk)}/a/b%2Fc?q=%26&r=1,2"))
    assert (got.status, got.body, got.headers["x-kept"]) == (200, b'{"a": 1}', "Yes")
    assert seen[0].startswith(b"GET /a/b%2Fc?q=%26&r=1,2 HTTP/1.1\r\n")


async def test_connections_are_kept_and_cookies_are_not(wire: Any, sender: Any) -> None:
    heads: list[bytes] = []
    connections = 0

    async def talk(reader: Any, writer: Any) -> None:
        nonlocal connections
        connections += 1
        for _ in range(3):
            heads.append(await head(reader))
            writer.write(plain(b"{}", "Set-Cookie: session=1; Path=/"))
            await writer.drain()

    url = await wire(talk)
    for _ in range(3):
        await sender.send(outgoing(url))
    assert connections == 1
    assert not [text for text in heads if b"cookie" in text.lower()]


async def test_redirects_are_answers(wire: Any, sender: Any) -> None:
    async def talk(reader: Any, writer: Any) -> None:
        await head(reader)
        writer.write(plain(b"", "Location: http://127.0.0.1:1/", status="302 Found"))
        await writer.drain()

    assert (await sender.send(outgoing(await wire(talk)))).status == 302


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_an_answer_above_the_cap_is_cut(wire: Any, sender: Any, encoding: str) -> None:
    """Told its length or not, and counted after it is unpacked: 1 MB of zeros is 1 kB of gzip."""
    body = b"0" * 1_000_000

    async def talk(reader: Any, writer: Any) -> None:
        await head(reader)
        packed = gzip.compress(body) if encoding else body
        kept = [f"Content-Encoding: {encoding}"] if encoding else []
        writer.write(plain(packed, *kept))
        await writer.drain()
        await reader.read()

    with pytest.raises(TooLarge):
        await sender.send(outgoing(await wire(talk), max_bytes=999_999))


async def _reset(reader: Any, writer: Any) -> None:
    await head(reader)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _hang_up(reader: Any, writer: Any) -> None:
    await head(reader)


async def _cut_short(reader: Any, writer: Any) -> None:
    await head(reader)
    writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a": 1')
    await writer.drain()


async def _not_http(reader: Any, writer: Any) -> None:
    await head(reader)
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await writer.drain()


async def _not_gzip(reader: Any, writer: Any) -> None:
    await head(reader)
    writer.write(plain(b"not gzip", "Content-Encoding: gzip"))
    await writer.drain()


async def _endless_headers(reader: Any, writer: Any) -> None:
    await head(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000)
    await writer.drain()
    await reader.read()


@pytest.mark.parametrize(
    "talk", [_reset, _hang_up, _cut_short, _not_http, _not_gzip, _endless_headers]
)
async def test_no_whole_answer_is_a_failure_that_names_no_address(
    wire: Any, sender: Any, talk: Any
) -> None:
    url = await wire(talk)
    with pytest.raises(SendFailed) as failure:
        await sender.send(outgoing(f"{url}/planted-path?q=planted-query"))
    assert failure.value.__cause__ is None
    assert "127.0.0.1" not in str(failure.value)
    assert "planted" not in str(failure.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://nowhere.invalid/", "http://[::"])
async def test_nobody_there_is_a_failure(sender: Any, url: str) -> None:
    with pytest.raises(SendFailed):
        await sender.send(outgoing(url))


async def test_a_header_that_would_smuggle_another_is_not_sent(wire: Any, sender: Any) -> None:
    async def talk(reader: Any, writer: Any) -> None:
        await head(reader)
        writer.write(plain(b"{}"))

    url = await wire(talk)
    with pytest.raises(SendFailed):
        await sender.send(outgoing(url, headers={"x": "1\r\nauthorization: Bearer other"}))


async def test_a_slow_drip_is_cut_at_the_deadline_and_its_connection_is_dropped(
    wire: Any, sender: Any
) -> None:
    """Timeouts per read never fire here: every byte comes in time, and the answer never ends."""
    gone = asyncio.Event()

    async def talk(reader: Any, writer: Any) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        closed = asyncio.ensure_future(reader.read())
        while not closed.done():
            writer.write(b" ")
            await asyncio.wait([closed], timeout=0.01)
        gone.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await sender.send(outgoing(await wire(talk)))
    await asyncio.wait_for(gone.wait(), 5)
