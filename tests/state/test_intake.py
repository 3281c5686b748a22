"""Single records: the newer is kept, the dead stay dead, and nothing of them is left behind."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.customer import CanonicalIdentifier
from domain.ids import Kind
from domain.inbox import Farewell
from domain.ports import Resolution
from domain.provenance import Provenance, System
from domain.records import Order
from domain.sources import ChildPage, Parent, ParentBy
from domain.vocabulary import IdentifierKind, OrderStatus, SystemKind

OWN = Parent(ParentBy.OWN, "1")


@pytest.fixture
def receive(state, at):
    async def run(*contacts, gone=(), read=10.0):
        return await state.intake.receive(contacts, gone, at(read))

    return run


@pytest.fixture
def order(key, at):
    def build(external_id="o1", *, changed=0.0, status=OrderStatus.PENDING, owner="1"):
        said = Provenance(
            system=System(name="crm", kind=SystemKind.OMS, connector="test"),
            external_id=external_id,
            fetched_at=at(changed),
            source_updated_at=at(changed),
        )
        return Order(
            key=key(external_id, kind=Kind.ORDER),
            provenance=said,
            occurred_at=at(-100),
            status=status,
            owner_ids=(owner,),
        )

    return build


async def test_the_newer_is_kept_whatever_comes_last(receive, contact, key, state):
    new = contact("1", changed=5, read=6, full_name="new")
    old = contact("1", changed=1, read=9, full_name="old")
    assert (await receive(new)).changed == {key("1")}
    late = await receive(old)
    assert (late.changed, late.kept) == (frozenset(), {key("1")})
    assert (await state.records.contacts([key("1")]))[0].full_name == "new"


async def test_what_is_gone_stays_gone_until_it_is_newer(receive, contact, key):
    await receive(contact("1", changed=5, read=6))
    gone = await receive(gone=[Farewell(key=key("1"))], read=10)
    assert (gone.gone, gone.kept) == ({key("1")}, frozenset())
    late = await receive(contact("1", changed=5, read=11))
    assert (late.gone, late.changed) == ({key("1")}, frozenset())
    back = await receive(contact("1", changed=12, read=13), read=13)
    assert back.kept == back.changed == {key("1")}


async def test_who_was_never_known_leaves_a_tombstone_too(receive, contact, key):
    assert (await receive(gone=[Farewell(key=key("1"))])).gone == {key("1")}
    assert (await receive(contact("1", changed=5, read=11))).gone == {key("1")}


async def test_who_was_seen_alive_after_the_read_is_not_buried(receive, contact, key):
    """Two workers: one read that the row is gone, the other one, later, that it is back."""
    await receive(contact("1", changed=11, read=12), read=12)
    assert (await receive(gone=[Farewell(key=key("1"))], read=10)).kept == {key("1")}


async def test_a_merge_leads_on(receive, contact, key, state):
    await receive(contact("1"), contact("2"))
    both = await receive(
        contact("2", changed=3, read=4), gone=[Farewell(key=key("1"), into=key("2"))]
    )
    assert (both.gone, both.kept) == ({key("1")}, {key("2")})
    absorbed = await receive(contact("3", changed=5, read=6, merged_ids=("2",)))
    assert (absorbed.gone, absorbed.kept) == ({key("2")}, {key("3")})


async def test_who_was_redacted_does_not_come_back_by_an_event_a_search_or_a_scan(
    receive, contact, key, put, *, at, state
):
    """Whatever the source goes on showing, and however new it says that is."""
    await receive(contact("1", changed=1, read=2), contact("2", changed=1, read=2))
    gone = [Farewell(key=key("1"), redacted=True), Farewell(key=key("2"))]
    assert (await receive(gone=gone, read=3)).gone == {key("1"), key("2")}
    shown = [contact(name, changed=20, read=30, full_name="shown again") for name in "12"]
    assert (await receive(shown[0], read=30)).gone == {key("1")}
    await put(*shown, scan=25)
    found = await state.records.contacts([key("1"), key("2")])
    assert [one is None for one in found] == [True, False]
    again = await receive(gone=[Farewell(key=key("1"))], read=40)
    assert again.changed == frozenset()
    await put(contact("1", changed=50, read=51), scan=49)
    assert await state.records.contacts([key("1")]) == [None]


async def test_a_redaction_takes_who_was_seen_alive_in_the_meantime_too(receive, contact, key):
    await receive(contact("1", changed=11, read=12), read=12)
    redacted = await receive(gone=[Farewell(key=key("1"), redacted=True)], read=10)
    assert redacted.gone == {key("1")}


async def test_one_who_shared_a_value_with_the_gone_is_settled_again(receive, contact, key, state):
    """One carrier is enough: who judges a value otherwise looks at all who carry it."""
    box = CanonicalIdentifier(IdentifierKind.EMAIL, "a@x.example")
    await receive(*(contact(name, email=box.value) for name in "1234"))
    unknown = await receive(gone=[Farewell(key=key("4"))])
    shared = Resolution(assignments=[], redirects={}, shared=frozenset({box}))
    await state.identities.publish(shared)
    gone = await receive(gone=[Farewell(key=key("1"))])
    changed = await receive(contact("2", email="other@x.example", changed=3, read=4))
    none = await receive(contact("3", email="own@x.example", changed=3, read=4))
    assert [one.beside for one in (unknown, gone, changed, none)] == [
        frozenset(), {key("2")}, {key("3")}, frozenset()
    ]  # fmt: skip


async def test_with_a_person_go_the_pages_kept_of_them(receive, contact, key, state, order):
    await receive(contact("1", email="a@x.example"), contact("2"))
    pages = {
        ("crm", OWN): ChildPage(items=(order(),)),
        ("crm", Parent(ParentBy.EMAIL, "a@x.example")): ChildPage(items=(order(),)),
        ("crm", Parent(ParentBy.OWN, "2")): ChildPage(items=(order("o2", owner="2"),)),
    }
    await state.records.keep_children(Kind.ORDER, pages)
    await receive(gone=[Farewell(key=key("1"))])
    kept = await state.records.kept_children(Kind.ORDER, list(pages))
    assert [page is None for page in kept] == [True, True, False]


async def test_a_newer_order_takes_its_place_on_the_page_and_an_older_one_does_not(state, order):
    await state.records.keep_children(
        Kind.ORDER, {("crm", OWN): ChildPage(items=(order("o2"), order(changed=5)))}
    )
    await state.intake.refresh([order(changed=9, status=OrderStatus.SHIPPED)])
    await state.intake.refresh([order(changed=7, status=OrderStatus.CANCELLED)])
    (page,) = await state.records.kept_children(Kind.ORDER, [("crm", OWN)])
    assert [(o.key.external_id, o.status) for o in page.items] == [
        ("o2", OrderStatus.PENDING),
        ("o1", OrderStatus.SHIPPED),
    ]


@pytest.mark.parametrize("goes_on", [True, False])
async def test_an_order_nobody_has_read_yet_comes_onto_the_page_where_its_place_is(
    state, order, at, goes_on
):
    """Of a page that goes on, what is older than all of it has a place that nobody knows."""
    shown = ChildPage(items=(order("o5"), order("o3")), has_more=goes_on)
    await state.records.keep_children(Kind.ORDER, {("crm", OWN): shown})
    new = replace(order("o1"), occurred_at=at(0))
    await state.intake.refresh([order("o2"), order("o4"), new, order("o9", owner="2")])
    (page,) = await state.records.kept_children(Kind.ORDER, [("crm", OWN)])
    whole = ["o1", "o5", "o4", "o3", "o2"]
    assert [o.key.external_id for o in page.items] == (whole[:-1] if goes_on else whole)
    assert page.has_more is goes_on


async def test_events_do_not_make_a_page_grow_without_end(state, order):
    await state.records.keep_children(Kind.ORDER, {("crm", OWN): ChildPage(items=())})
    await state.intake.refresh([order(f"o{number}") for number in range(100, 220)])
    (page,) = await state.records.kept_children(Kind.ORDER, [("crm", OWN)])
    assert [page.items[0].key.external_id, page.items[-1].key.external_id] == ["o219", "o120"]
    assert page.has_more


async def test_an_order_that_is_gone_leaves_every_page(state, order, key):
    someone = Parent(ParentBy.EMAIL, "a@x.example")
    for parent in (OWN, someone):
        await state.records.keep_children(
            Kind.ORDER, {("crm", parent): ChildPage(items=(order(), order("o11")))}
        )
    await state.intake.remove([key("o1", kind=Kind.ORDER)])
    for page in await state.records.kept_children(Kind.ORDER, [("crm", OWN), ("crm", someone)]):
        assert [one.key.external_id for one in page.items] == ["o11"]


async def test_reading_the_same_again_changes_nothing(receive, contact, key):
    first = contact("1", changed=1, read=2)
    await receive(first)
    said = first.contact.provenance
    again = replace(
        first,
        contact=replace(
            first.contact,
            provenance=replace(said, fetched_at=said.fetched_at + timedelta(minutes=1)),
        ),
    )
    assert (await receive(again)).changed == frozenset()
