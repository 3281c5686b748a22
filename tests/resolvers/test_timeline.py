from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import InputError, SourceUnavailable
from domain.ids import Kind, SourceKey
from domain.provenance import Freshness, Provenance
from domain.records import Call, Conversation, Ticket, Visit
from domain.vocabulary import Channel, Completeness, InteractionState, ServedFrom
from resolvers import people, timeline
from resolvers.moments import Moment, decode, encode
from resolvers.stretches import Where
from resolvers.timeline import Walk


@pytest.fixture
def events(world, told_events):
    world.events = told_events
    return world.events


def told(world, kind, source, external_id, at, **said):
    """A record as events tell of it."""
    made = {Kind.CALL: Call, Kind.VISIT: Visit, Kind.TICKET: Ticket}.get(kind, Conversation)
    system = world[source].system
    where = Provenance(
        system=system, external_id=external_id, fetched_at=at, served_from=ServedFrom.EVENT_STORE
    )
    key = SourceKey(source, kind, external_id)
    return made(key=key, provenance=where, occurred_at=at, **said)


async def page(world, *ids, operation=None, **walk):
    operation = operation or world.operation()
    found = await people.fetch(operation, ids, Freshness(), frozenset())
    return await timeline.fetch(operation, found, Walk(**walk))


async def walked(world, one, first, between=lambda _: None, **walk):
    """Every page to the end, as ids; `between` happens after each."""
    seen, after = [], ""
    while True:
        (found,) = await page(world, one, first=first, after=after, **walk)
        assert len(found.nodes) <= first
        seen.append([node.key for node in found.nodes])
        if not found.has_next:
            return seen
        after = found.page_info.end_cursor
        between(len(seen))


def names(found):
    return [node.key.external_id for node in found.nodes]


async def test_everything_around_a_person_is_one_list_newest_first(world, fakes, events):
    alice = world.alice()
    row = SourceKey("crm", Kind.CONTACT, "h1")
    events.put(told(world, Kind.CALL, "desk", "call", fakes.ago(hours=30)), row)
    events.put(told(world, Kind.VISIT, "shop", "visit", fakes.ago(minutes=1)), row)
    events.put(told(world, Kind.VISIT, "shop", "another's", fakes.ago(minutes=2)))
    (found,) = await page(world, alice)
    assert names(found) == ["visit", "c1", "1002", "call", "t1", "1001"]
    assert found.completeness is Completeness.COMPLETE
    assert not found.has_next
    assert [one.node for one in found.edges] == list(found.nodes)
    assert [one.provenance.served_from for one in found.nodes][::3] == [ServedFrom.EVENT_STORE] * 2


async def test_a_page_is_one_call_for_each_source_and_kind_whoever_it_is_for(world, fakes, events):
    rows = [[world.contact("shop", f"s{i}"), world.contact("desk", f"z{i}")] for i in range(20)]
    owners = [world.customer(f"cus_{i}", *own) for i, own in enumerate(rows)]
    for i in range(20):
        world.order(f"s{i}", f"o{i}", fakes.ago(hours=i))
        world.ticket(f"z{i}", f"t{i}", fakes.ago(days=i))
    found = await page(world, *owners)
    assert [sorted(names(one)) for one in found] == [[f"o{i}", f"t{i}"] for i in range(20)]
    assert world.called() == {("shop", "children", "order"): 1, ("desk", "children", "ticket"): 1}
    assert events.calls["interactions"] == 1


async def test_what_both_know_is_there_once_in_its_newer_state(world, fakes, events):
    alice = world.alice()
    row = SourceKey("desk", Kind.CONTACT, "z1")
    (ticket,) = world["desk"].children[Kind.TICKET].popitem()[1]
    world["desk"].children.clear()
    old = replace(ticket.provenance, source_updated_at=fakes.ago(hours=2))
    live = replace(
        ticket,
        provenance=old,
        number="7",
        state=InteractionState.ENDED,
        ended_at=fakes.ago(hours=2),
        raw_state="solved",
    )
    world.add(live, "z1")
    newer = told(
        world, Kind.TICKET, "desk", "t1", live.occurred_at, state=InteractionState.IN_PROGRESS
    )
    events.put(newer, row, last_at=fakes.ago(hours=1))
    (found,) = await page(world, alice)
    (node,) = [one for one in found.nodes if isinstance(one, Ticket)]
    assert (node.state, node.ended_at, node.raw_state) == (InteractionState.IN_PROGRESS, None, None)
    assert (node.number, node.subject) == ("7", "Where is it?")
    assert node.provenance.served_from is ServedFrom.EVENT_STORE

    events.put(newer, row, last_at=fakes.ago(hours=3))
    (found,) = await page(world, alice)
    (node,) = [one for one in found.nodes if isinstance(one, Ticket)]
    assert (node.state, node.raw_state) == (InteractionState.ENDED, "solved")
    assert node.provenance.served_from is ServedFrom.LIVE


async def test_unknown_where_no_source_answered_and_never_empty(world, events):
    alice = world.alice()
    for name, kind in (
        ("shop", Kind.ORDER), ("desk", Kind.TICKET), ("chat", Kind.CONVERSATION)
    ):  # fmt: skip
        world[name].broken[kind] = SourceUnavailable(name, "503")
    (found,) = await page(world, alice)
    assert (found.nodes, found.edges) == (None, None)
    assert found.completeness is Completeness.UNKNOWN
    assert [one.source for one in found.failures] == ["chat", "desk", "shop"]


async def test_what_was_told_is_there_while_every_source_is_down(world, fakes, events):
    alice = world.alice()
    events.put(
        told(world, Kind.CALL, "desk", "call", fakes.ago(hours=1)),
        SourceKey("crm", Kind.CONTACT, "h1"),
    )
    for name, kind in (
        ("shop", Kind.ORDER), ("desk", Kind.TICKET), ("chat", Kind.CONVERSATION)
    ):  # fmt: skip
        world[name].broken[kind] = SourceUnavailable(name, "503")
    (found,) = await page(world, alice)
    assert names(found) == ["call"]
    assert found.completeness is Completeness.PARTIAL
    assert len(found.failures) == 3


async def test_filters_by_channel_state_and_time_read_on_until_a_page_is_full(world, fakes, events):
    alice = world.alice()
    row = SourceKey("crm", Kind.CONTACT, "h1")
    for i in range(300):
        world.ticket("z1", f"mail{i:03}", fakes.ago(hours=10 + i), channel=Channel.EMAIL)
    world.ticket("z1", "spoken", fakes.ago(days=60), channel=Channel.VOICE)
    ended = InteractionState.ENDED
    events.put(told(world, Kind.CALL, "desk", "call", fakes.ago(hours=1), state=ended), row)
    where = Where(channels=frozenset({Channel.VOICE}))
    (found,) = await page(world, alice, first=2, where=where)
    assert names(found) == ["call", "spoken"]
    assert not found.has_next
    (found,) = await page(world, alice, where=Where(states=frozenset({ended})))
    assert names(found) == ["call"]
    since, until = fakes.ago(hours=12), fakes.ago(hours=1)
    (found,) = await page(world, alice, where=Where(since=since, until=until))
    assert names(found) == ["c1", "mail000", "mail001", "mail002"]
    assert not found.has_next


async def test_a_filter_that_finds_nothing_for_long_hands_out_how_far_it_looked(
    world, fakes, events
):
    alice = world.alice()
    for i in range(700):
        world.ticket("z1", f"mail{i:03}", fakes.ago(hours=10 + i), channel=Channel.EMAIL)
    world.ticket("z1", "spoken", fakes.ago(days=60), channel=Channel.VOICE)
    where = Where(channels=frozenset({Channel.VOICE}))
    (found,) = await page(world, alice, where=where)
    assert (names(found), found.has_next) == ([], True)
    (found,) = await page(world, alice, where=where, after=found.page_info.end_cursor)
    assert (names(found), found.has_next) == (["spoken"], False)


async def test_ten_thousand_things_page_once_each_while_new_ones_come_and_people_change(
    world, fakes, events
):
    """Somebody with 10,000 things is merged with another and split again on the way, and every
    second something new happens.
    """
    rows = [world.contact(name, f"{name}-1") for name in ("crm", "shop", "desk", "chat")]
    other = world.contact("desk", "z9")
    owner = world.customer("cus_1", *rows)
    makers = [
        lambda i, at: world.order("shop-1", f"o{i}", at),
        lambda i, at: world.ticket("desk-1", f"t{i}", at),
        lambda i, at: world.conversation("chat-1", f"c{i}", at),
        lambda i, at: events.put(told(world, Kind.CALL, "desk", f"k{i}", at), rows[0].key),
    ]
    random = Random(7)
    standing = []
    for i in range(10_000):
        at = fakes.ago(seconds=3_600 + random.randrange(20_000))
        standing.append(makers[i % 4](i, at).key)
    for i in range(50):
        world.ticket("z9", f"x{i}", fakes.ago(seconds=3_600 + 400 * i))

    def happens(turn):
        makers[turn % 4](20_000 + turn, fakes.NOW + timedelta(seconds=turn))
        if turn == 30:
            world.customer("cus_1", *rows, other, version=2)
        if turn == 60:
            world.customer("cus_1", *rows, version=3)

    pages = await walked(world, owner, 100, happens)
    seen = Counter(key for some in pages for key in some)
    assert {key: seen[key] for key in standing if seen[key] != 1} == {}
    assert max(seen.values()) == 1
    joined = {key.external_id for key in seen if key.external_id.startswith("x")}
    assert 0 < len(joined) < 50, "those of the other while they were one person"
    assert world.telemetry.counted["timeline_crossings"] == 2


WHEN = st.integers(0, 3)
ITEM = st.tuples(st.sampled_from(["shop", "desk", "chat", "crm"]), st.sampled_from("abcd"), WHEN)
ODD = st.tuples(ITEM, st.booleans(), st.sampled_from([None, 0, 1, 2, 3]))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ODD, max_size=14), st.integers(1, 4))
async def test_a_walk_has_each_thing_once_in_one_order_however_they_tie(
    fixture_module, fakes, odd, first
):
    """Things share times and ids, across sources and kinds; some are known to the live record too,
    there perhaps at another time, and perhaps of nobody.
    """
    world = fakes.World()
    events = world.events = fixture_module("told").FakeEvents()
    kinds = {"shop": Kind.TICKET, "desk": Kind.TICKET, "chat": Kind.CONVERSATION, "crm": Kind.CALL}
    world.holds |= {name: (kind,) for name, kind in kinds.items()}
    rows = {name: world.contact(name, f"{name}-1") for name in kinds}
    owner = world.customer("cus_1", *rows.values())
    places = {}
    for (source, name, when), is_owned, other in odd:
        record = told(world, kinds[source], source, name, fakes.ago(hours=when))
        if record.key in places:
            continue
        world.add(record, f"{source}-1")
        places[record.key] = record.occurred_at
        if other is not None:
            moved = replace(record, occurred_at=fakes.ago(hours=other))
            events.put(moved, *([rows["crm"].key] if is_owned else []))
            if is_owned:
                places[record.key] = moved.occurred_at
    expected = sorted(
        places, key=lambda key: (places[key], key.external_id, key.source, key.kind), reverse=True
    )
    found = [key for some in await walked(world, owner, first) for key in some]
    assert found == expected


async def test_no_more_is_read_of_things_than_is_asked_for(world, events):
    alice = world.alice()
    operation = world.operation()
    operation.wanted = {"Order": frozenset({"id"}), "Conversation": frozenset({"id"})}
    cursor = encode(Moment.before(world["chat"].contacts["i1"].provenance.fetched_at), 1)
    await page(world, alice, operation=operation, after=cursor)
    asked = {call.kind: call.fields for name in world.systems for call in world[name].calls}
    assert not {"lines", "shipments"} & asked[Kind.ORDER]
    assert "last_message" not in asked[Kind.CONVERSATION]
    assert Kind.MESSAGE not in asked


@pytest.mark.parametrize("text", ["", "x", "bm9uc2Vuc2U", "WyJ0aW1lbGluZSIsMSwyLDMsNCw1XQ"])
def test_a_cursor_that_is_none_of_ours_is_refused(text):
    with pytest.raises(InputError, match="timeline"):
        decode(text)


def test_a_cursor_comes_back_as_it_went_out(fakes):
    moment = Moment(fakes.ago(hours=1), "ä/1", "desk", Kind.TICKET.value)
    assert decode(encode(moment, 4)) == (moment, 4)
