"""A thousand open subscriptions in one worker: memory and time of each, and of an entry to all.

    python benchmarks/streams.py [--streams 1000] [--entries 50]

Over the real store (SQLite), in process: what is measured is the worker, not the network. There is
no peer to measure against. The last line is JSON.
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from domain.events import Activity
from domain.ids import CustomerId, Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import Contact
from domain.vocabulary import ActivityKind, SystemKind
from gateway.bootstrap import Program, application, opened
from gateway.config_file import checked

AT: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
QUERY: Final = "subscription s($c: ID!) { customerActivity(customer: $c) { cursor kind } }"
PEOPLE: Final = 100
PER_SOCKET: Final = 10


class Socket:
    """A WebSocket without a network."""

    def __init__(self, app: Any) -> None:
        self._incoming: asyncio.Queue[Any] = asyncio.Queue()
        self.received = 0
        scope = {
            "type": "websocket", "path": "/graphql", "raw_path": b"/graphql", "root_path": "",
            "query_string": b"", "scheme": "ws", "http_version": "1.1", "state": {},
            "subprotocols": ["graphql-transport-ws"], "headers": [(b"host", b"127.0.0.1")],
            "asgi": {"version": "3.0", "spec_version": "2.4"}, "client": None, "server": None,
        }  # fmt: skip
        self._incoming.put_nowait({"type": "websocket.connect"})
        self.put(type="connection_init")
        self.task = asyncio.create_task(app(scope, self._incoming.get, self._send))

    async def _send(self, message: Any) -> None:
        if '"next"' in message.get("text", ""):
            self.received += 1

    def put(self, **message: Any) -> None:
        self._incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    def leave(self) -> None:
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})


async def _people(program: Program) -> list[tuple[CustomerId, SourceKey]]:
    system = System(name="crm", kind=SystemKind.CRM, connector="benchmark")
    contacts = [
        Contact(
            key=SourceKey("crm", Kind.CONTACT, str(i)),
            provenance=Provenance(system=system, external_id=str(i), fetched_at=AT),
            full_name=f"Person {i}",
            emails=(f"person{i}@example.com",),
        )
        for i in range(PEOPLE)
    ]
    ids = await program.people.adopt(contacts)
    return list(zip(ids, (one.key for one in contacts), strict=True))


async def _until(sockets: list[Socket], streams: Any, opened_: int, received: int) -> None:
    while len(streams) < opened_ or sum(one.received for one in sockets) < received:  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def _resident_kb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


async def measured(count: int, entries: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        tables = {
            "state": {"url": f"sqlite:///{folder}/knownas.db"},
            "capabilities": {"live_record": True},
        }
        async with opened(checked(tables, {})) as program:
            return await _measured(program, count, entries)


async def _measured(program: Program, count: int, entries: int) -> dict[str, float]:
    app = application(program)
    streams: Any = app.drain.__self__  # type: ignore[attr-defined]  # a bound method
    people = await _people(program)
    before_kb, cpu = _resident_kb(), time.process_time()
    sockets = [Socket(app) for _ in range(count // PER_SOCKET)]
    for i in range(count):
        asked = {"query": QUERY, "variables": {"c": people[i % PEOPLE][0]}}
        sockets[i % len(sockets)].put(type="subscribe", id=str(i), payload=asked)
    await _until(sockets, streams, count, 0)
    open_s, open_kb = time.process_time() - cpu, _resident_kb() - before_kb
    cpu = time.process_time()
    await asyncio.sleep(5)
    idle = (time.process_time() - cpu) / 5
    cpu, started = time.process_time(), time.perf_counter()
    for i in range(entries):
        row = people[i % PEOPLE][1]
        kind = ActivityKind.ORDER_CHANGED
        await program.wire.events.note([Activity(sequence=0, kind=kind, at=AT, contacts=(row,))])
    await _until(sockets, streams, 0, entries * count // PEOPLE)
    told = entries * count // PEOPLE
    for socket in sockets:
        socket.leave()
    await asyncio.gather(*(socket.task for socket in sockets))
    return {
        "streams": count,
        "kb_per_stream": round(open_kb / count, 1),
        "open_cpu_ms": round(open_s / count * 1000, 3),
        "idle_cpu_share": round(idle, 4),
        "told": told,
        "told_cpu_ms": round((time.process_time() - cpu) / told * 1000, 3),
        "told_s": round(time.perf_counter() - started, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=1_000)
    parser.add_argument("--entries", type=int, default=50)
    given = parser.parse_args()
    sys.stdout.write(json.dumps(asyncio.run(measured(given.streams, given.entries))) + "\n")


if __name__ == "__main__":
    main()
