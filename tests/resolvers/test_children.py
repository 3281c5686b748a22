from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import SourceProtocolError, SourceTimeout, SourceUnavailable
from domain.ids import Kind, SourceKey
from domain.provenance import Freshness
from domain.sources import ChildFilter, ParentBy, Position
from domain.vocabulary import Completeness, OrderStatus, ServedFrom, SourceState
from resolvers.children import fetch
from resolvers.cursors import decode
from resolvers.pages import Cut
from resolvers.people import fetch as people


async def listed(world, *ids, operation=None, fields=frozenset(), **cut):
    operation = operation or world.operation()
    found = await people(operation, ids, Freshness(), fields)
    wanted = Cut(**{"kind": Kind.ORDER, **cut})
    return await fetch(operation, found, wanted)


def ids(connection):
    return [node.key.external_id for node in connection.nodes]


@pytest.fixture
def two_shops(world):
    """Somebody with orders in the shop, under two rows, and in the CRM."""
    world.holds["crm"] = (Kind.ORDER,)
    rows = [world.contact("shop", "s1"), world.contact("shop", "s2"), world.contact("crm", "h1")]
    return world.customer("cus_1", *rows)


async def test_children_of_several_rows_and_sources_are_one_list_newest_first(
    world, fakes, two_shops
):
    world.order("s1", "a", fakes.ago(days=1))
    world.order("s2", "b", fakes.ago(days=2))
    world.order("h1", "c", fakes.ago(days=1, hours=12), source="crm")
    (connection,) = await listed(world, two_shops)
    assert ids(connection) == ["a", "c", "b"]
    assert connection.completeness is Completeness.COMPLETE
    assert not connection.has_next
    assert world.called() == {("shop", "children", "order"): 1, ("crm", "children", "order"): 1}


async def test_a_thing_of_two_rows_is_listed_once(world, fakes, two_shops):
    order = world.order("s1", "a", fakes.ago(days=1))
    world.add(order, "s2")
    (connection,) = await listed(world, two_shops)
    assert ids(connection) == ["a"]


async def test_many_customers_are_one_call_for_each_source(world, fakes):
    owners = [world.customer(f"cus_{i}", world.contact("shop", f"s{i}")) for i in range(50)]
    for i in range(50):
        world.order(f"s{i}", f"o{i}", fakes.ago(days=i))
    found = await listed(world, *owners)
    assert [ids(one) for one in found] == [[f"o{i}"] for i in range(50)]
    assert world.called() == {("shop", "children", "order"): 1}


async def test_who_has_no_row_at_a_source_has_none_there_and_it_is_not_asked(world):
    owner = world.customer("cus_1", world.contact("crm", "h1"))
    (connection,) = await listed(world, owner)
    assert connection.nodes == ()
    assert connection.completeness is Completeness.COMPLETE
    assert [one.state for one in connection.sources] == [SourceState.NOT_ASKED]
    assert not world.called()


async def test_a_kind_nobody_holds_is_an_empty_list(world):
    world.holds["desk"] = ()
    owner = world.customer("cus_1", world.contact("desk", "z1"))
    (connection,) = await listed(world, owner, kind=Kind.TICKET)
    assert (connection.nodes, connection.sources) == ((), ())


async def test_null_where_no_source_answered(world, fakes, two_shops):
    world.order("s1", "a", fakes.ago(days=1))
    for name in ("shop", "crm"):
        world[name].broken[Kind.ORDER] = SourceUnavailable(name, "503")
    (connection,) = await listed(world, two_shops)
    assert connection.nodes is None
    assert connection.edges is None
    assert connection.completeness is Completeness.UNKNOWN
    assert [one.source for one in connection.failures] == ["crm", "shop"]


async def test_what_answered_is_shown_and_what_did_not_is_named(world, fakes, two_shops):
    world.order("h1", "c", fakes.ago(days=1), source="crm")
    world["shop"].broken[Kind.ORDER] = SourceUnavailable("shop", "503")
    (connection,) = await listed(world, two_shops)
    assert ids(connection) == ["c"]
    assert connection.completeness is Completeness.PARTIAL
    assert [(one.system.name, one.state) for one in connection.sources] == [
        ("crm", SourceState.OK),
        ("shop", SourceState.UNAVAILABLE),
    ]
    assert [one.source for one in connection.failures] == ["shop"]


async def test_a_failed_parent_leaves_the_others_of_its_source(world, fakes, two_shops):
    world.order("s1", "a", fakes.ago(days=1))
    world["shop"].broken_for["s2"] = SourceTimeout("shop", "slow")
    (connection,) = await listed(world, two_shops)
    assert ids(connection) == ["a"]
    assert connection.completeness is Completeness.PARTIAL


async def test_one_customers_failure_is_not_anothers(world, fakes):
    owners = [world.customer(f"cus_{i}", world.contact("shop", f"s{i}")) for i in range(2)]
    world.order("s0", "a", fakes.ago(days=1))
    world["shop"].broken_for["s1"] = SourceTimeout("shop", "slow")
    operation = world.operation()
    good, bad = await listed(world, *owners, operation=operation)
    assert (ids(good), bad.nodes) == (["a"], None)
    judged = [operation.ledger.completeness(one) for one in owners]
    assert judged == [Completeness.COMPLETE, Completeness.UNKNOWN]


async def test_rows_that_were_dropped_make_their_source_one_that_breaks_its_word(
    world, fakes, two_shops
):
    world.order("s1", "a", fakes.ago(days=1))
    world["shop"].dropped = 2
    (connection,) = await listed(world, two_shops)
    assert ids(connection) == ["a"]
    assert connection.completeness is Completeness.PARTIAL
    assert [one.state for one in connection.sources] == [
        SourceState.OK,
        SourceState.PROTOCOL_ERROR,
    ]
    assert [type(one) for one in connection.failures] == [SourceProtocolError]


async def test_a_shared_email_makes_a_list_unknown_and_not_empty(world):
    world.customer_keys["shop"] = "email"
    world.identity.shared_values = {"info@example.com"}
    owner = world.customer("cus_1", world.contact("crm", "h1", emails=("info@example.com",)))
    (connection,) = await listed(world, owner, fields=None)
    assert connection.nodes is None
    assert connection.completeness is Completeness.UNKNOWN
    assert connection.failures == ()
    assert connection.sources[0].message == "not asked: the e-mail or phone is shared"


# ---------------------------------------------------------------- last-good pages


async def seen_before(world, owner, **cut):
    operation = world.operation()
    await listed(world, owner, operation=operation, **cut)
    await operation.finish()


async def test_a_failing_source_is_replaced_by_its_last_good_page(world, fakes, two_shops):
    world.order("s1", "a", fakes.ago(days=1))
    await seen_before(world, two_shops)
    world["shop"].broken[Kind.ORDER] = SourceUnavailable("shop", "503")
    (connection,) = await listed(world, two_shops)
    assert ids(connection) == ["a"]
    assert connection.nodes[0].provenance.served_from is ServedFrom.STALE_CACHE
    assert connection.completeness is Completeness.STALE
    assert connection.failures == ()
    assert connection.sources[1].state is SourceState.UNAVAILABLE


async def test_stale_is_only_served_to_who_allows_it(world, fakes, two_shops):
    world.order("s1", "a", fakes.ago(days=1))
    await seen_before(world, two_shops)
    world["shop"].broken[Kind.ORDER] = SourceUnavailable("shop", "503")
    (connection,) = await listed(world, two_shops, freshness=Freshness(allow_stale=False))
    assert ids(connection) == []
    assert connection.completeness is Completeness.PARTIAL


async def test_a_kept_page_is_cut_filtered_and_continued(world, fakes, two_shops):
    for i in range(25):
        status = OrderStatus.SHIPPED if i % 2 else OrderStatus.PENDING
        world.order("s1", f"{i:02}", fakes.ago(days=i), status=status)
    await seen_before(world, two_shops, first=20)
    world["shop"].broken[Kind.ORDER] = SourceUnavailable("shop", "503")
    where = ChildFilter(order_status=frozenset({OrderStatus.SHIPPED}))
    (shipped,) = await listed(world, two_shops, first=3, where=where)
    assert ids(shipped) == ["01", "03", "05"]
    (page,) = await listed(world, two_shops, first=15)
    (rest,) = await listed(
        world, two_shops, first=15, after=decode(Kind.ORDER, page.page_info.end_cursor)
    )
    assert ids(rest) == [f"{i}" for i in range(15, 20)]
    assert rest.has_next
    (beyond,) = await listed(
        world, two_shops, first=15, after=decode(Kind.ORDER, rest.page_info.end_cursor)
    )
    assert beyond.completeness is Completeness.PARTIAL


async def test_a_text_search_has_no_stale_answer(world, fakes, two_shops):
    world.order("s1", "a", fakes.ago(days=1))
    await seen_before(world, two_shops)
    world["shop"].broken[Kind.ORDER] = SourceUnavailable("shop", "503")
    (connection,) = await listed(world, two_shops, where=ChildFilter(text="a"))
    assert connection.completeness is Completeness.PARTIAL


@pytest.mark.parametrize(
    ("cut", "dropped"),
    [
        ({"first": 5}, 0),
        ({"where": ChildFilter(text="0")}, 0),
        ({"first": 20}, 1),
    ],
)
async def test_only_good_whole_beginnings_are_kept(world, fakes, two_shops, cut, dropped):
    for i in range(25):
        world.order("s1", f"{i:02}", fakes.ago(days=i))
    world["shop"].dropped = dropped
    await seen_before(world, two_shops, **cut)
    kept = {parent.value for _, name, parent in world.store.pages if name == "shop"}
    assert "s1" not in kept


async def test_a_list_to_keep_is_read_with_all_that_is_cheap(world, fakes, two_shops):
    world.order("s1", "a", fakes.ago(days=1))
    operation = world.operation()
    found = await people(operation, [two_shops], Freshness(), frozenset())
    await fetch(operation, found, Cut(kind=Kind.ORDER, fields=frozenset({"number", "lines"})))
    after = decode(Kind.ORDER, (await listed(world, two_shops))[0].page_info.end_cursor)
    later = Cut(kind=Kind.ORDER, fields=frozenset({"number"}), after=after)
    await fetch(operation, found, later)
    first, _, second = (call.fields for call in world["shop"].calls)
    assert {"status", "total", "lines"} <= first
    assert "shipments" not in first
    assert second == {"number", "key", "provenance", "occurred_at", "owner_ids"}


# ---------------------------------------------------------------- paging


async def test_pages_end_exactly(world, fakes, two_shops):
    for i in range(4):
        world.order("s1", f"{i}", fakes.ago(days=i))
    (page,) = await listed(world, two_shops, first=2)
    assert page.has_next
    assert not page.has_previous
    after = decode(Kind.ORDER, page.page_info.end_cursor)
    (last,) = await listed(world, two_shops, first=2, after=after)
    assert ids(last) == ["2", "3"]
    assert not last.has_next
    assert last.has_previous


class ShortPages:
    """Answers with fewer items than asked for, as vendors do, and says there is more."""

    def __init__(self, inner, most):
        self.inner, self.most = inner, most

    async def children_of(self, parents, page, where, fields, deadline):
        pages = await self.inner.children_of(parents, page, where, fields, deadline)
        return [
            type(one)(
                items=one.items[: self.most], has_more=one.has_more or len(one.items) > self.most
            )
            for one in pages
        ]


PLACES = st.lists(
    st.tuples(st.sampled_from(["shop", "crm"]), st.integers(0, 4), st.sampled_from("abc")),
    max_size=25,
    unique=True,
)


@given(places=PLACES, first=st.integers(1, 6), most=st.integers(1, 6))
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_every_thing_is_on_exactly_one_page(fakes, places, first, most):
    """Times and even ids repeat over sources, and pages come short: what is cut must be total."""
    world = fakes.World()
    world.holds["crm"] = (Kind.ORDER,)
    owner = world.customer("cus_1", world.contact("shop", "s1"), world.contact("crm", "h1"))
    for source, hours, name in places:
        parent = "s1" if source == "shop" else "h1"
        world.order(parent, f"{hours}{name}", fakes.ago(hours=hours), source=source)
    operation = world.operation()
    for name in ("shop", "crm"):
        children = operation.services.sources[name].children
        children[Kind.ORDER] = ShortPages(children[Kind.ORDER], most)
    seen, after = [], None
    for _ in range(len(places) + 1):
        (page,) = await listed(world, owner, operation=operation, first=first, after=after)
        seen.extend(node.key for node in page.nodes)
        if not page.has_next:
            break
        after = decode(Kind.ORDER, page.page_info.end_cursor)
    expected = {SourceKey(source, Kind.ORDER, f"{hours}{name}") for source, hours, name in places}
    assert len(seen) == len(set(seen))
    assert set(seen) == expected
    times = {source_key(world, key): key for key in seen}
    assert sorted(times, reverse=True) == list(times)


def source_key(world, key):
    rows = world[key.source].children[Kind.ORDER]
    row = next(row for some in rows.values() for row in some if row.key == key)
    return (row.occurred_at, key.external_id, key.source)


async def test_new_things_do_not_move_the_pages_below(world, fakes, two_shops):
    for i in range(4):
        world.order("s1", f"{i}", fakes.ago(days=i + 1))
    (page,) = await listed(world, two_shops, first=2)
    world.order("s1", "new", fakes.ago(hours=1))
    after = decode(Kind.ORDER, page.page_info.end_cursor)
    (rest,) = await listed(world, two_shops, first=2, after=after)
    assert ids(rest) == ["2", "3"]


async def test_a_source_is_handed_a_position_that_loses_nothing_of_it(world, fakes, two_shops):
    world.order("s1", "same", fakes.ago(days=1))
    world.order("h1", "same", fakes.ago(days=1), source="crm")
    (page,) = await listed(world, two_shops, first=1)
    assert page.nodes[0].key.source == "shop"
    after = decode(Kind.ORDER, page.page_info.end_cursor)
    (rest,) = await listed(world, two_shops, first=1, after=after)
    assert rest.nodes[0].key.source == "crm"
    position = Position(fakes.ago(days=1), "same")
    assert world["shop"].calls[-1].page.after == position
    assert world["crm"].calls[-1].page.after > position


async def test_by_email_the_rows_of_a_person_are_asked_for_at_once(world, fakes):
    world.customer_keys["shop"] = "email"
    emails = ("a@example.com", "b@example.com")
    owner = world.customer("cus_1", world.contact("crm", "h1", emails=emails))
    for i, email in enumerate(emails):
        world.order(email, f"o{i}", fakes.ago(days=i), by=ParentBy.EMAIL)
    (connection,) = await listed(world, owner, fields=None)
    assert ids(connection) == ["o0", "o1"]
    assert world.called()["shop", "children", "order"] == 1


async def test_a_hanging_source_leaves_the_others_whole_within_the_deadline(
    world, fakes, two_shops
):
    world.timeout_s = 0.01
    world["shop"].hangs.add(Kind.ORDER)
    world.order("h1", "c", fakes.ago(days=1), source="crm")
    (connection,) = await listed(world, two_shops)
    assert ids(connection) == ["c"]
    assert connection.sources[1].state is SourceState.TIMEOUT
    assert timedelta(milliseconds=connection.sources[1].latency_ms) < timedelta(seconds=1)
