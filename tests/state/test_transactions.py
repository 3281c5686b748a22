import asyncio
import threading

import psycopg
import pytest
from sqlalchemy import select, text, update

from domain.errors import StoreError
from state.engine import open_state
from state.tables import customers, identity_state


@pytest.fixture
def transactions(state):
    return state._transactions


@pytest.fixture
def put_through():
    """More questions at once than there are connections."""

    async def ask(question):
        return await asyncio.gather(*(question() for _ in range(8)))

    return ask


def bump(connection) -> None:
    connection.execute(update(identity_state).values(version=identity_state.c.version + 1))


async def test_a_write_that_fails_leaves_nothing(state, transactions):
    def half(connection) -> None:
        bump(connection)
        raise StoreError("on purpose")

    with pytest.raises(StoreError, match="on purpose"):
        await transactions.write(half)
    assert await state.identities.version() == 0


async def test_a_cancelled_write_has_ended_when_its_caller_goes_on(state, transactions):
    begun, may_end = threading.Event(), threading.Event()

    def slow(connection) -> None:
        bump(connection)
        begun.set()
        assert may_end.wait(30)

    async def caller() -> None:
        await transactions.write(slow)

    task = asyncio.create_task(caller())
    await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await state.identities.version() == 1


async def test_a_write_cancelled_in_the_queue_never_runs(state_url):
    state = open_state(state_url, threads=1)
    begun, may_end = threading.Event(), threading.Event()

    def slow(connection) -> None:
        begun.set()
        assert may_end.wait(30)

    first = asyncio.create_task(state._transactions.write(slow))
    await asyncio.to_thread(begun.wait, 30)
    second = asyncio.create_task(state._transactions.write(bump))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    may_end.set()
    await first
    assert await state.identities.version() == 0
    await state.close()


async def test_an_error_that_is_no_clash_is_not_tried_again(transactions):
    attempts = []

    def broken(connection) -> None:
        attempts.append(1)
        connection.execute(text("SELECT * FROM nowhere"))

    with pytest.raises(StoreError, match="nowhere"):
        await transactions.write(broken)
    assert len(attempts) == 1


async def test_a_read_sees_one_state_however_many_statements_it_takes(transactions):
    """The second statement runs after somebody else's commit."""
    seen_once, may_go_on = threading.Event(), threading.Event()

    def look_twice(connection) -> list[int]:
        version = select(identity_state.c.version)
        first = connection.execute(version).scalar_one()
        seen_once.set()
        assert may_go_on.wait(30)
        return [first, connection.execute(version).scalar_one()]

    reading = asyncio.create_task(transactions.read(look_twice))
    await asyncio.to_thread(seen_once.wait, 30)
    await transactions.write(bump)
    may_go_on.set()
    assert await reading == [0, 0]


async def test_readers_do_not_wait_for_a_writer(state, transactions):
    begun, may_end = threading.Event(), threading.Event()

    def slow(connection) -> None:
        bump(connection)
        begun.set()
        assert may_end.wait(30)

    writing = asyncio.create_task(transactions.write(slow))
    await asyncio.to_thread(begun.wait, 30)
    assert await state.identities.version() == 0
    may_end.set()
    await writing
    assert await state.identities.version() == 1


async def test_two_writers_that_lock_each_other_both_get_through(postgres_state, resolution):
    """Rows taken crosswise: PostgreSQL ends one of the two, which then runs again."""
    state = open_state(postgres_state)
    await state.identities.publish(resolution({"cus_1": "a", "cus_2": "b"}))
    both_hold_one = threading.Barrier(2, timeout=30)
    attempts = []

    def raise_both(connection, ids: tuple[str, str]) -> None:
        attempts.append(ids)
        for place, id in enumerate(ids):
            if place == 1 and len(attempts) <= 2:
                both_hold_one.wait()
            row = update(customers).where(customers.c.id == id)
            connection.execute(row.values(version=customers.c.version + 1))

    await asyncio.gather(
        state._transactions.write(raise_both, ("cus_1", "cus_2")),
        state._transactions.write(raise_both, ("cus_2", "cus_1")),
    )
    assert len(attempts) == 3
    found = await state.identities.clusters(["cus_1", "cus_2"])
    assert [cluster.version for cluster in found] == [3, 3]
    await state.close()


async def test_connections_that_died_in_the_pool_are_replaced_unseen(
    postgres_state, resolution, put_through
):
    state = open_state(postgres_state, threads=2)
    await put_through(state.identities.version)
    with psycopg.connect(postgres_state, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
            ["knownas"],
        )
    assert await state.identities.publish(resolution({"cus_1": "a"})) == 1
    assert await put_through(state.identities.version) == [1] * 8
    await state.close()


async def test_writers_that_wait_for_each_other_leave_readers_their_threads(postgres_state):
    state = open_state(postgres_state, threads=2)
    begun, may_end = threading.Event(), threading.Event()

    def slow(connection) -> None:
        bump(connection)
        begun.set()
        assert may_end.wait(30)

    writing = [asyncio.create_task(state._transactions.write(slow))]
    await asyncio.to_thread(begun.wait, 30)
    writing += [asyncio.create_task(state._transactions.write(bump)) for _ in range(8)]
    assert await state.identities.version() == 0
    may_end.set()
    await asyncio.gather(*writing)
    assert await state.identities.version() == 9
    await state.close()
