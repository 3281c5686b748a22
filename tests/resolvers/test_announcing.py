"""What the worker applied, as entries of the log."""

import pytest

from domain.ids import Kind, SourceKey
from domain.vocabulary import ActivityKind, Channel, InteractionState
from resolvers.announcing import Announcer
from resolvers.events import Applied


@pytest.fixture
def heard(world, told_events):
    """Apply, and see what was written."""
    world.events = told_events

    async def apply(*records, changed=(), gone=()):
        applied = Applied(changed=(*changed, *(r.key for r in records)), gone=gone, records=records)
        await Announcer(world.services())(applied)
        return world.events.log

    return apply


async def test_each_thing_that_changed_is_told_around_whose_it_is(world, fakes, heard):
    order = world.order("s1", "1001", fakes.ago(days=1))
    ticket = world.ticket("z1", "t1", fakes.ago(days=1))
    chat = world.conversation("i1", "c1", fakes.ago(hours=1), channel=Channel.WEB_CHAT)
    over = world.conversation("i1", "c2", fakes.ago(hours=2), state=InteractionState.ENDED)
    log = await heard(order, ticket, chat, over)
    assert [(one.sequence, one.kind, one.item) for one in log] == [
        (1, ActivityKind.ORDER_CHANGED, order.key),
        (2, ActivityKind.TICKET_CHANGED, ticket.key),
        (3, ActivityKind.UPDATED, chat.key),
        (4, ActivityKind.ENDED, over.key),
    ]
    assert log[0].contacts == (SourceKey("shop", Kind.CONTACT, "s1"),)
    assert [one.channel for one in log[2:]] == [Channel.WEB_CHAT, None]


async def test_people_who_changed_or_went_are_told_as_themselves(heard):
    here, gone = (SourceKey("crm", Kind.CONTACT, one) for one in "12")
    log = await heard(changed=(here,), gone=(gone, SourceKey("shop", Kind.ORDER, "9")))
    assert [(one.kind, one.contacts) for one in log] == [
        (ActivityKind.IDENTITY, (here,)),
        (ActivityKind.IDENTITY, (gone,)),
    ]


async def test_a_thing_of_an_e_mail_address_is_told_around_nobody(world, fakes, heard):
    world.customer_keys["desk"] = "email"
    (one,) = await heard(world.ticket("z1", "t1", fakes.ago(days=1)))
    assert one.contacts == ()


async def test_a_thing_of_another_systems_id_is_told_around_the_row_there(world, fakes, heard):
    world.customer_keys["desk"] = "crm"
    (one,) = await heard(world.ticket("h1", "t1", fakes.ago(days=1)))
    assert one.contacts == (SourceKey("crm", Kind.CONTACT, "h1"),)
