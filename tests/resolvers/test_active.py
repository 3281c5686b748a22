"""What goes on around a person now, from the live record and from chats and telephones."""

from dataclasses import replace

import pytest

from domain.errors import CapabilityDisabled, SourceUnavailable
from domain.ids import Kind, SourceKey
from domain.provenance import Freshness, Provenance
from domain.records import Call, Conversation
from domain.sources import ParentBy
from domain.vocabulary import Channel, InteractionState, ServedFrom
from resolvers import active, people
from resolvers.services import Capability

ROW = SourceKey("crm", Kind.CONTACT, "h1")


@pytest.fixture
def events(world, told_events):
    world.events = told_events
    return world.events


@pytest.fixture
def alice(world, events):
    """Whose systems list a chat that has ended."""
    return world.alice()


def made(world, kind, source, external_id, at, *, state=InteractionState.IN_PROGRESS, **said):
    where = Provenance(
        system=world[source].system,
        external_id=external_id,
        fetched_at=at,
        source_updated_at=at,
        served_from=ServedFrom.EVENT_STORE,
    )
    key = SourceKey(source, kind, external_id)
    record = Call if kind is Kind.CALL else Conversation
    return record(key=key, provenance=where, occurred_at=at, state=state, **said)


def listed(world, *chats):
    """What the chat says it has of alice."""
    world["chat"].children[Kind.CONVERSATION] = {(ParentBy.OWN, "i1"): list(chats)}


async def now(world, one, operation=None):
    operation = operation or world.operation()
    found = await people.fetch(operation, [one], Freshness(), frozenset())
    (answer,) = await active.of_customers(operation, found, Freshness())
    return answer


def names(answer):
    return [one.key.external_id for one in answer.items]


async def test_a_call_that_begins_while_a_chat_is_open_is_shown_beside_it(
    world, fakes, events, alice
):
    listed(world, made(world, Kind.CONVERSATION, "chat", "c9", fakes.ago(minutes=5)))
    events.put(made(world, Kind.CALL, "desk", "call", fakes.ago(minutes=1)), ROW)
    over = made(world, Kind.CALL, "desk", "old", fakes.ago(minutes=9), state=InteractionState.ENDED)
    events.put(over, ROW)
    found = await now(world, alice)
    assert names(found) == ["call", "c9"]
    assert found.failures == ()


async def test_what_both_know_is_there_once_in_its_newer_state(world, fakes, events, alice):
    at = fakes.ago(minutes=5)
    open_, over = InteractionState.IN_PROGRESS, InteractionState.ENDED

    def chat(one, state, minutes):
        record = made(
            world, Kind.CONVERSATION, "chat", one, at, state=state, channel=Channel.WEB_CHAT
        )
        told = replace(record.provenance, source_updated_at=fakes.ago(minutes=minutes))
        return replace(record, provenance=told)

    listed(
        world, chat("ended since", over, 1), chat("gone on", over, 4), chat("elsewhere", open_, 4)
    )
    events.put(chat("ended since", open_, 3), ROW, last_at=fakes.ago(minutes=3))
    events.put(chat("gone on", open_, 2), ROW, last_at=fakes.ago(minutes=2))
    events.put(chat("elsewhere", over, 1), last_at=fakes.ago(minutes=1))
    assert names(await now(world, alice)) == ["gone on"]


async def test_nothing_known_is_unknown_only_where_somebody_did_not_say(
    world, fakes, events, alice
):
    listed(world)
    assert (await now(world, alice)).items == ()
    world["chat"].broken[Kind.CONVERSATION] = SourceUnavailable("chat", "away")
    lost = await now(world, alice)
    assert lost.items is None
    assert [one.source for one in lost.failures] == ["chat"]
    events.put(made(world, Kind.CALL, "desk", "call", fakes.ago(minutes=1)), ROW)
    assert names(await now(world, alice)) == ["call"]


async def test_mail_and_tickets_are_not_asked(world, alice):
    await now(world, alice)
    assert {source for source, *_ in world.called()} <= {"chat"}


async def test_where_the_live_record_is_off_it_says_so(world, alice):
    operation = world.operation()
    off = Capability(name="live_record", enabled=False)
    operation.services = replace(operation.services, capabilities=(off,))
    with pytest.raises(CapabilityDisabled):
        await now(world, alice, operation)
