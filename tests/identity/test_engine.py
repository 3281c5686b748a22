"""The engine's connection, and who gives up while it is at work."""

import asyncio
import threading

import pytest

from identity.engine import aside, engine

ENDLESS = "select sum(a.range * b.range) from range(1_000_000) as a, range(1_000_000) as b"


async def test_who_gives_up_waits_until_the_engine_has_let_go() -> None:
    begun = threading.Event()
    with engine() as connection:

        def work() -> None:
            begun.set()
            connection.execute(ENDLESS).fetchall()

        working = asyncio.create_task(aside(connection, work))
        await asyncio.to_thread(begun.wait)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert connection.execute("select 1").fetchall() == [(1,)]
