from dataclasses import replace

import pytest

from domain.ids import Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import Actor, Conversation, Message, Order
from domain.sources import ChildPage, Parent, ParentBy
from domain.vocabulary import ActorKind, ServedFrom, SystemKind

ANNA = Parent(ParentBy.EMAIL, "anna@example.com")
SEVEN = Parent(ParentBy.OWN, "7")


@pytest.fixture
def said(at):
    system = System(name="shop", kind=SystemKind.OMS, connector="shopify")
    return Provenance(system=system, external_id="1", fetched_at=at(1))


@pytest.fixture
def order(said, at):
    def build(id: str) -> Order:
        return Order(
            key=SourceKey("shop", Kind.ORDER, id),
            provenance=said,
            occurred_at=at(0),
            number=f"#{id}",
        )

    return build


def stale(provenance: Provenance) -> Provenance:
    return replace(provenance, served_from=ServedFrom.STALE_CACHE)


async def test_kept_pages_come_back_as_stale_as_they_are(state, order, said):
    page = ChildPage(items=(order("2"), order("1")), has_more=True, dropped=1)
    await state.records.keep_children(Kind.ORDER, {("shop", ANNA): page})
    (kept,) = await state.records.kept_children(Kind.ORDER, [("shop", ANNA)])
    items = tuple(replace(item, provenance=stale(said)) for item in page.items)
    assert kept == replace(page, items=items)


async def test_pages_are_told_apart_by_source_kind_and_parent(state, order):
    def page(id: str) -> ChildPage[Order]:
        return ChildPage(items=(order(id),))

    empty = ChildPage(items=())
    await state.records.keep_children(
        Kind.ORDER, {("shop", ANNA): page("1"), ("till", ANNA): page("2"), ("shop", SEVEN): empty}
    )
    owners = [
        ("till", ANNA),
        ("shop", Parent(ParentBy.PHONE, "7")),
        ("shop", SEVEN),
        ("shop", ANNA),
        ("till", ANNA),
    ]
    found = await state.records.kept_children(Kind.ORDER, owners)
    numbers = [kept and [item.number for item in kept.items] for kept in found]
    assert numbers == [["#2"], None, [], ["#1"], ["#2"]]
    assert await state.records.kept_children(Kind.TICKET, owners) == [None] * 5


async def test_a_page_replaces_the_one_before(state, order):
    for id in ("1", "2"):
        page = ChildPage(items=(order(id),))
        await state.records.keep_children(Kind.ORDER, {("shop", ANNA): page})
    (kept,) = await state.records.kept_children(Kind.ORDER, [("shop", ANNA)])
    assert [item.number for item in kept.items] == ["#2"]


async def test_the_last_message_of_a_conversation_is_as_stale_as_the_conversation(state, said, at):
    message = Message(
        key=SourceKey("chat", Kind.MESSAGE, "1/2"),
        provenance=said,
        at=at(0),
        author=Actor(kind=ActorKind.CUSTOMER, id="7"),
    )
    thread = Conversation(
        key=SourceKey("chat", Kind.CONVERSATION, "1"),
        provenance=said,
        occurred_at=at(0),
        last_message=message,
    )
    page = ChildPage(items=(thread,))
    await state.records.keep_children(Kind.CONVERSATION, {("chat", SEVEN): page})
    (kept,) = await state.records.kept_children(Kind.CONVERSATION, [("chat", SEVEN)])
    (found,) = kept.items
    assert found.provenance == found.last_message.provenance == stale(said)


async def test_nothing_to_keep_is_no_error(state):
    await state.records.keep_children(Kind.ORDER, {})


async def test_a_thousand_parents_are_answered_in_order(state, order):
    owners = [("shop", Parent(ParentBy.OWN, str(number))) for number in range(1_200)]
    pages = {owner: ChildPage(items=(order(owner[1].value),)) for owner in owners}
    await state.records.keep_children(Kind.ORDER, pages)
    found = await state.records.kept_children(Kind.ORDER, owners)
    assert [kept.items[0].number for kept in found] == [f"#{number}" for number in range(1_200)]
