import pytest

from domain.errors import NotSupported, SourceUnavailable
from domain.ids import Kind, SourceKey
from domain.vocabulary import Completeness
from resolvers.caller import ANY_CUSTOMER, Caller
from resolvers.cursors import decode
from resolvers.messages import fetch
from resolvers.pages import Cut

PUBLIC = Caller(name="bot", scopes=frozenset({ANY_CUSTOMER}))


def names(connection):
    return [node.key.external_id.partition("/")[2] for node in connection.nodes]


@pytest.fixture
def thread(world, fakes):
    """Ten messages, newest m9; every even one is an internal note."""
    ticket = world.ticket("z1", "t1", fakes.ago(days=2))
    for i in range(10):
        world.message(ticket, f"m{i}", fakes.ago(hours=20 - i), internal=i % 2 == 0)
    return ticket.key


async def listed(operation, *threads, **cut):
    return await fetch(operation, threads, Cut(kind=Kind.MESSAGE, **cut))


async def test_staff_see_every_message_newest_first(world, thread):
    (connection,) = await listed(world.operation(), thread, first=3)
    assert names(connection) == ["m9", "m8", "m7"]
    assert connection.has_next


async def test_internal_notes_are_left_out_for_anybody_else(world, thread):
    (connection,) = await listed(world.operation(PUBLIC), thread, first=3)
    assert names(connection) == ["m9", "m7", "m5"]
    assert connection.has_next
    after = decode(Kind.MESSAGE, connection.page_info.end_cursor)
    (rest,) = await listed(world.operation(PUBLIC), thread, first=3, after=after)
    assert names(rest) == ["m3", "m1"]
    assert not rest.has_next


async def test_hidden_notes_alone_are_no_next_page(world, fakes):
    ticket = world.ticket("z1", "t1", fakes.ago(days=2))
    world.message(ticket, "shown", fakes.ago(hours=1))
    for i in range(30):
        world.message(ticket, f"note{i}", fakes.ago(hours=2 + i), internal=True)
    (connection,) = await listed(world.operation(PUBLIC), ticket.key, first=1)
    assert names(connection) == ["shown"]
    assert not connection.has_next


async def test_many_threads_are_one_call_for_each_source(world, fakes):
    keys = []
    for i in range(20):
        ticket = world.ticket("z1", f"t{i}", fakes.ago(days=2))
        chat = world.conversation("i1", f"c{i}", fakes.ago(days=2))
        for one in (ticket, chat):
            world.message(one, "m", fakes.ago(days=1))
            keys.append(one.key)
    found = await listed(world.operation(), *keys)
    assert [names(one) for one in found] == [["m"]] * 40
    assert set(world.called().values()) == {1}


async def test_a_source_without_messages_is_unknown_and_says_so(world):
    (connection,) = await listed(world.operation(), SourceKey("crm", Kind.TICKET, "1"))
    assert connection.nodes is None
    assert connection.completeness is Completeness.UNKNOWN
    assert [type(one) for one in connection.failures] == [NotSupported]


async def test_a_source_that_fails_half_way_is_partial(world, thread):
    operation = world.operation(PUBLIC)
    calls = 0

    async def gate(_kind):
        nonlocal calls
        calls += 1
        if calls > 1:
            raise SourceUnavailable("desk", "503")

    world["desk"].gate = gate
    (connection,) = await listed(operation, thread, first=4)
    assert names(connection) == ["m9", "m7", "m5"]
    assert connection.has_next
    assert connection.completeness is Completeness.PARTIAL
