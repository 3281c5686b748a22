"""The last message of a conversation whose source's list does not carry it."""

import pytest

from domain.errors import SourceUnavailable
from domain.ids import Kind
from resolvers.caller import ANY_CUSTOMER, Caller

ASK = (
    '{ customer(by: {email: "alice@example.com"}) '
    "{ conversations { nodes { lastMessage { body internal } } } } }"
)


@pytest.fixture
def thread(world, fakes):
    """Alice's conversation with two messages; the newer one is for staff only."""
    world.alice()
    chat = next(row for rows in world["chat"].children[Kind.CONVERSATION].values() for row in rows)
    for number, internal in ((1, False), (2, True)):
        at = fakes.ago(minutes=10 - number)
        world.message(chat, f"n{number}", at, body=f"note {number}", internal=internal)
    return chat


def last(answer):
    (node,) = answer.data["customer"]["conversations"]["nodes"]
    return node["lastMessage"]


async def test_it_is_the_newest_message_of_the_thread(run, world, thread):
    assert last(await run(ASK)) == {"body": "note 2", "internal": True}


async def test_a_caller_who_is_not_staff_gets_the_newest_one_meant_for_everybody(
    run, world, thread
):
    caller = Caller(name="partner", scopes=frozenset({ANY_CUSTOMER, "pii:content"}))
    answer = await run(ASK, operation=world.operation(caller=caller))
    assert last(answer) == {"body": "note 1", "internal": False}


async def test_a_thread_that_cannot_be_read_is_unknown_with_one_coded_error(run, world, thread):
    world["chat"].broken[Kind.MESSAGE] = SourceUnavailable("chat", "503")
    answer = await run(ASK)
    assert last(answer) is None
    assert [(code, system) for _, code, system in answer.told] == [("SOURCE_UNAVAILABLE", "chat")]
