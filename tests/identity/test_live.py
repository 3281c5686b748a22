"""The live path: the weights of batch, the clusters of batch, whatever the order of arrival."""

import itertools
import os
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from domain.customer import CanonicalIdentifier
from domain.ids import Kind, SourceKey
from domain.inbox import Farewell
from domain.live import Drift
from domain.ports import Clock, Resolution, SyncCursor
from domain.provenance import Provenance, System
from domain.records import Address, Contact
from domain.vocabulary import IdentifierKind, LinkStatus, SystemKind, Verification
from identity import batch, records, rows
from identity.drift import drift, refereed
from identity.engine import engine
from identity.graph import People
from identity.model import bundled
from identity.namesakes import count_bearers, users
from identity.neighbourhood import Neighbourhood, Record
from identity.normalise import LISTS, TEXTS, RawPerson, normalise
from identity.referee import Referee
from identity.rows import Circumstances, Row
from identity.scoring import Scorer
from state.engine import open_state

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ORDERS = int(os.environ.get("KNOWNAS_ORDERS", "12"))
"""Of arrival; a hundred in the long run."""
SYSTEMS = ("crm", "shop", "chat", "desk")


def contact(source: str, external_id: str, **said: object) -> Contact:
    system = System(name=source, kind=SystemKind.CRM, connector="fake")
    provenance = Provenance(system=system, external_id=external_id, fetched_at=AT)
    key = SourceKey(source, Kind.CONTACT, external_id)
    return Contact(key=key, provenance=provenance, **said)  # type: ignore[arg-type]


# ---------------------------------------------------------------- the weights of batch


@pytest.fixture(scope="module")
def judged(people_1k: Path) -> SimpleNamespace:
    """A prediction of batch over everybody, and the same people as rows of live."""
    with engine() as connection:
        records.load(connection, people_1k)
        batch.prepare(connection)
        batch.score(connection, bundled(), -100.0, 9.0)
        found = live_rows(connection)
        uses = {
            (kind, value): count
            for kind, value, count in run(connection, "select kind, value, users from value_users")
        }
        cursor = connection.execute("select * exclude (name_person) from features order by uid")
        names = [name for name, *_ in cursor.description]
        return SimpleNamespace(
            rows=found,
            uses=uses,
            candidates={
                frozenset(pair)
                for pair in run(connection, "select join_key_l, join_key_r from candidates")
            },
            edges=run(connection, "select uid_l, uid_r, weight, levels from edges"),
            features=[dict(zip(names, line, strict=True)) for line in cursor.fetchall()],
        )


def run(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def live_rows(connection: duckdb.DuckDBPyConnection) -> dict[int, Row]:
    found = {}
    cursor = connection.execute("select * from raw_people")
    names = [name for name, *_ in cursor.description]
    for line in cursor.fetchall():
        all_said = dict(zip(names, line, strict=True))
        said = {name: all_said[name] for name in TEXTS}
        said |= {name: tuple(all_said[name] or ()) for name in LISTS}
        kept = rows.comparable(rows.row_of(normalise(RawPerson(**said)), all_said["system"]))
        found[all_said["uid"]] = rows.restored(kept.row)
    return found


def filled(judged: SimpleNamespace, uses: Mapping[tuple[str, str], int]) -> Circumstances:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for row in judged.rows.values():
        for term in rows.terms(row):
            counts[term] += 1
    circumstances = Circumstances(uses=uses, counts=counts)
    namesakes: dict[int, dict[int, Row]] = defaultdict(dict)
    for uid, row in judged.rows.items():
        circumstances.fill(row)
        if (block := rows.name_block(row)) is not None:
            namesakes[block][uid] = row
    for group in namesakes.values():
        count_bearers(group)
    return circumstances


def test_live_weighs_every_edge_of_batch_within_a_hundredth(judged: SimpleNamespace) -> None:
    frequencies = filled(judged, judged.uses).frequencies()
    scorer = Scorer(bundled())
    assert len(judged.edges) > 3_000
    for left, right, weight, levels in judged.edges:
        score = scorer.score(judged.rows[left], judged.rows[right], frequencies)
        assert score.weight == pytest.approx(weight, abs=0.01)
        assert [part.partition("~")[0] for part in score.levels.split(";")] == [
            part.partition("~")[0] for part in levels.split(";")
        ]


def test_every_column_of_a_row_is_what_batch_compares(judged: SimpleNamespace) -> None:
    filled(judged, judged.uses)
    for features in judged.features:
        row = judged.rows[features.pop("uid")]
        for name, value in features.items():
            mine = getattr(row, name)
            listed = isinstance(value, list)
            assert (list(mine) if listed else mine) == (sorted(value) if listed else value), name


def test_live_counts_the_people_who_use_a_value_as_batch_does(judged: SimpleNamespace) -> None:
    filled(judged, {})
    carriers = defaultdict(list)
    for row in judged.rows.values():
        for kind in rows.KINDS:
            for value in row.values(kind):
                carriers[kind, value].append(row)
    counted = {used: users(*used, found) for used, found in carriers.items()}
    assert {used: count for used, count in counted.items() if count > 1} == {
        used: min(count, 7) for used, count in judged.uses.items() if count > 1
    }


def test_live_looks_at_the_pairs_that_batch_looks_at(judged: SimpleNamespace) -> None:
    filled(judged, judged.uses)
    under = defaultdict(list)
    for uid, row in judged.rows.items():
        for block in {b for key in rows.keys(row) for b in (*key.blocks, *key.finer)}:
            under[block].append(uid)
    desk = SimpleNamespace(
        carriers=lambda blocks, most: {block: under[block][:most] for block in blocks}
    )
    near = Neighbourhood(desk)
    met = set()
    for uid, row in judged.rows.items():
        key = SourceKey("crm", Kind.CONTACT, str(uid))
        met |= {frozenset((uid, other)) for other in near.meets(Record(uid, key, row))}
    assert {pair for pair in met if len(pair) == 2} == judged.candidates


# ---------------------------------------------------------------- who is who


@pytest.fixture
async def rooms(clock: Clock, state_url: str) -> AsyncIterator[SimpleNamespace]:
    async with opened(clock, url=state_url) as found:
        yield found


class opened:
    """A store, a referee and a graph of their own."""

    def __init__(self, clock: Clock, unique: Sequence[str] = (), url: str = "sqlite://") -> None:
        self._state = open_state(url, clock=clock)
        self._referee = Referee(
            bundled(), auto_link_weight=9.0, review_weight=3.0, clock=clock,
            regions=dict.fromkeys(SYSTEMS, "GB"), unique_sources=unique,
        )  # fmt: skip

    async def __aenter__(self) -> SimpleNamespace:
        await self._state.upgrade()
        graph = People(
            self._state.records, self._state.identities, self._state.arrivals,
            judge=self._referee.judge, explain=self._referee.explain,
            regions=dict.fromkeys(SYSTEMS, "GB"),
        )  # fmt: skip
        return SimpleNamespace(state=self._state, referee=self._referee, graph=graph)

    async def __aexit__(self, *_: object) -> None:
        await self._state.close()


async def referee(rooms: SimpleNamespace) -> Drift | None:
    state = rooms.state
    _, found = await refereed(
        rooms.referee, rooms.graph, state.records, state.identities, state.arrivals
    )
    return found


async def groups(rooms: SimpleNamespace) -> list[list[str]]:
    standing = await rooms.state.identities.memberships()
    return sorted(sorted(key.external_id for key in members) for members in standing.values())


def household() -> list[Contact]:
    """Father and son of one name, a mother, twins, on one landline and one mailbox; a namesake
    elsewhere; each with two or three records, some of which fit several of them.
    """
    home = Address(street="14 Mill Lane", city="York", postcode="YO1 7HB")
    line, box = "+44 1904 555010", "the.hartleys@example.com"
    said = [
        ("crm", "f1", "Thomas", "Hartley", "1958-03-14", (box,), (line, "+44 7700 900101")),
        ("shop", "f2", "Thomas", "Hartley", "1958-03-14", ("t.hartley@example.org",),
         ("+44 7700 900101",)),
        ("desk", "f3", "Tom", "Hartley", None, ("t.hartley@example.org",), (line,)),
        ("crm", "s1", "Thomas", "Hartley", "1987-11-02", ("tomh87@example.net",), (line,)),
        ("chat", "s2", "Thomas", "Hartley", "1987-11-02", ("tomh87@example.net",), ()),
        ("crm", "m1", "Judith", "Hartley", "1960-06-30", (box,), (line, "+44 7700 900102")),
        ("shop", "m2", "Judy", "Hartley", "1960-06-30", (box,), ("+44 7700 900102",)),
        ("crm", "t1", "Alice", "Hartley", "1990-01-08", ("alice@example.net",), (line,)),
        ("shop", "t2", "Alice", "Hartley", "1990-01-08", ("alice@example.net",), ()),
        ("crm", "u1", "Alison", "Hartley", "1990-01-08", ("alison@example.net",), (line,)),
        ("shop", "u2", "Alison", "Hartley", "1990-01-08", ("alison@example.net",), ()),
        ("crm", "n1", "Thomas", "Hartley", "1971-09-09", ("hartley@example.edu",), ()),
        ("shop", "n2", "Thomas", "Hartley", "1971-09-09", ("hartley@example.edu",), ()),
    ]  # fmt: skip
    return [
        contact(
            source, id_, given_name=given, family_name=family, emails=emails, phones=phones,
            birth_date=date.fromisoformat(born) if born else None,
            address=None if id_.startswith("n") else home,
        )
        for source, id_, given, family, born, emails, phones in said
    ]  # fmt: skip


async def test_any_order_of_arrival_ends_in_the_clusters_of_batch(clock: Clock) -> None:
    people = household()
    chance = random.Random(7)
    outcomes = set()
    for _ in range(ORDERS):
        async with opened(clock) as rooms:
            chance.shuffle(people)
            for one in people:
                await rooms.graph.adopt([one])
            outcomes.add(tuple(map(tuple, await groups(rooms))))
    async with opened(clock) as rooms:
        await rooms.graph.adopt(people[:1])
        await store(rooms, people)
        await referee(rooms)
        outcomes.add(tuple(map(tuple, await groups(rooms))))
    assert len(outcomes) == 1, outcomes


async def store(rooms: SimpleNamespace, contacts: Sequence[Contact]) -> None:
    by_source = itertools.groupby(sorted(contacts, key=lambda one: one.key), lambda c: c.key.source)
    for source, own in by_source:
        indexed = [rooms.graph.index(one) for one in own]
        stand = SyncCursor(cursor="end", updated_at=AT)
        await rooms.state.records.put_page(source, Kind.CONTACT, indexed, [], stand)


ANNA = contact(
    "crm", "a1", full_name="Anna Zielinska", emails=("anna.z@example.com",),
    phones=("+44 7700 900201",),
)  # fmt: skip
ANNA_TOO = contact(
    "shop", "a2", full_name="Anna Zielinska", emails=("anna.z@example.com",),
    phones=("+44 7700 900201",),
)  # fmt: skip


async def test_a_record_that_changes_leaves_its_customer_and_one_that_goes_is_nobodys(
    rooms: SimpleNamespace, clock: Clock
) -> None:
    await rooms.graph.adopt([ANNA, ANNA_TOO])
    assert await groups(rooms) == [["a1", "a2"]]
    other = contact("shop", "a2", full_name="Bertha Quist", emails=("bertha@example.org",))
    await rooms.graph.adopt([other])
    assert await groups(rooms) == [["a1"], ["a2"]]
    gone = SourceKey("shop", Kind.CONTACT, "a2")
    stand = SyncCursor(cursor="next", updated_at=AT)
    await rooms.state.records.put_page("shop", Kind.CONTACT, [], [gone], stand)
    await rooms.graph.settle([gone])
    assert await groups(rooms) == [["a1"]]
    assert await rooms.state.arrivals.waiting(10) == []


async def test_an_identifier_that_is_only_asserted_waits_for_review(
    rooms: SimpleNamespace,
) -> None:
    typed = contact(
        "chat", "x", full_name="Anna Zielinska", emails=("anna.z@example.com",),
        verification=Verification.ASSERTED,
    )  # fmt: skip
    await rooms.graph.adopt([ANNA])
    await rooms.graph.adopt([typed])
    assert await groups(rooms) == [["a1"], ["x"]]
    (link,) = await rooms.state.identities.links([ANNA.key])
    assert link.status is LinkStatus.PENDING
    await referee(rooms)
    assert await groups(rooms) == [["a1"], ["x"]]


async def test_a_source_that_guarantees_one_record_a_person_is_believed(clock: Clock) -> None:
    twice = contact(
        "crm", "a9", full_name="Anna Zielinska", emails=("anna.z@example.com",),
        phones=("+44 7700 900201",),
    )  # fmt: skip
    async with opened(clock, unique=["crm"]) as rooms:
        await rooms.graph.adopt([ANNA])
        await rooms.graph.adopt([twice])
        assert await groups(rooms) == [["a1"], ["a9"]]


async def test_a_value_that_comes_to_be_shared_is_judged_again_for_all_who_carry_it(
    rooms: SimpleNamespace,
) -> None:
    """Two records hold together by a mailbox alone, until a third person is found to use it."""
    box = ("orders@zielinski-haulage.example",)
    first = contact("crm", "b1", full_name="Karol Zielinski", emails=("kz@zielinski.example",))
    shop = contact("shop", "b2", full_name="K Zielinski", emails=("kz@zielinski.example",))
    await rooms.graph.adopt([first])
    await rooms.graph.adopt([shop])
    assert await groups(rooms) == [["b1", "b2"]]
    mailbox = CanonicalIdentifier(IdentifierKind.EMAIL, "kz@zielinski.example")
    assert await rooms.graph.shared([mailbox]) == [False]
    others = [
        contact("chat", f"c{n}", full_name=name, emails=("kz@zielinski.example", *box))
        for n, name in enumerate(
            ["Maria Nowak", "Olu Sowande", "Ines Prado", "Wei Zhang", "Ada Byron", "Tom Hale"]
        )
    ]
    for one in others:
        await rooms.graph.adopt([one])
    assert await rooms.graph.shared([mailbox]) == [True]
    assert ["b1", "b2"] not in await groups(rooms)


@pytest.mark.parametrize("goes", [True, False], ids=["goes", "has another one"])
async def test_a_number_that_somebody_else_gives_up_holds_its_user_together_again(
    rooms: SimpleNamespace, goes: bool
) -> None:
    """Whoever came between is in none of their clusters, so nothing else leads to them."""
    line = ("+44 7700 900201",)
    first = contact("crm", "a1", full_name="Anna Zielinska", phones=line)
    again = contact("shop", "a2", full_name="Anna Zielinska", phones=line)
    other = contact("chat", "x", full_name="Bertha Quist", phones=line)
    await rooms.graph.adopt([first, again])
    assert await groups(rooms) == [["a1", "a2"]]
    await rooms.graph.adopt([other])
    assert await groups(rooms) == [["a1"], ["a2"], ["x"]]
    moved = rooms.graph.index(replace(other, phones=("+44 7700 900777",)))
    come, gone = ([], [other.key]) if goes else ([moved], [])
    stand = SyncCursor(cursor="next", updated_at=AT)
    stored = await rooms.state.records.put_page("chat", Kind.CONTACT, come, gone, stand)
    await rooms.graph.settle(stored.unsettled)
    assert ["a1", "a2"] in await groups(rooms)
    number = CanonicalIdentifier(IdentifierKind.PHONE, "7700900201")
    assert await rooms.graph.shared([number]) == [False]
    assert await rooms.state.arrivals.waiting(10) == []


async def test_who_was_redacted_is_nobody_whatever_a_search_finds(rooms: SimpleNamespace) -> None:
    await rooms.graph.adopt([ANNA])
    gone = [Farewell(key=ANNA.key, redacted=True)]
    await rooms.state.intake.receive([], gone, AT)
    await rooms.graph.settle([ANNA.key])
    found, known = await rooms.graph.adopt([ANNA, ANNA_TOO])
    assert (found, known is not None) == (None, True)
    assert await groups(rooms) == [["a2"]]


async def test_a_rejected_pair_stays_apart_when_one_of_them_changes(
    rooms: SimpleNamespace,
) -> None:
    await rooms.graph.adopt([ANNA, ANNA_TOO])
    (link,) = await rooms.state.identities.links([ANNA.key])
    assert link.status is LinkStatus.AUTO
    await decided(rooms, LinkStatus.REJECTED)
    moved = contact(
        "shop", "a2", full_name="Anna Zielinska", emails=("anna.z@example.com",),
        phones=("+44 7700 900201",), company="Haulage",
    )  # fmt: skip
    await rooms.graph.adopt([moved])
    assert await groups(rooms) == [["a1"], ["a2"]]


async def test_a_confirmed_pair_stays_together_when_one_of_them_changes(
    rooms: SimpleNamespace,
) -> None:
    await rooms.graph.adopt([ANNA, ANNA_TOO])
    await decided(rooms, LinkStatus.CONFIRMED)
    moved = contact("shop", "a2", full_name="Bertha Quist", emails=("bertha@example.org",))
    await rooms.graph.adopt([moved])
    assert await groups(rooms) == [["a1", "a2"]]


async def decided(rooms: SimpleNamespace, status: LinkStatus) -> None:
    (link,) = await rooms.state.identities.links([ANNA.key])
    ends = frozenset({ANNA.key, ANNA_TOO.key})
    resolution = Resolution(
        assignments=[], redirects={}, links=[replace(link, status=status)], scope=ends
    )
    await rooms.state.identities.publish(resolution)


# ---------------------------------------------------------------- the referee


async def test_the_referee_agrees_with_what_came_in_one_by_one(rooms: SimpleNamespace) -> None:
    for one in household():
        await rooms.graph.adopt([one])
    assert await referee(rooms) == Drift(records=13, moved=0, disagreement=0.0)
    assert await rooms.state.arrivals.drift() == Drift(records=13, moved=0, disagreement=0.0)


def test_drift_is_one_less_b_cubed_between_what_stood_and_what_stands() -> None:
    """Worked by hand: {a,b,c} became {a,b} and {c}. Precision 2/3+2/3+1/3 over 3 as seen from the
    old clusters, recall 1: 5/9 and 1, F1 10/14.
    """
    a, b, c = (SourceKey("crm", Kind.CONTACT, name) for name in "abc")
    found = drift({"cus_1": (a, b, c)}, {"cus_1": (a, b), "cus_2": (c,)})  # type: ignore[dict-item]
    assert found is not None
    assert (found.records, found.moved) == (3, 3)
    assert found.disagreement == pytest.approx(1 - 10 / 14)
    assert drift({}, {"cus_1": (a,)}) is None  # type: ignore[dict-item]


async def test_records_of_an_older_release_are_indexed_before_everything_is_resolved(
    rooms: SimpleNamespace,
) -> None:
    bare = replace(rooms.graph.index(ANNA), comparable=None)
    stand = SyncCursor(cursor="end", updated_at=AT)
    await rooms.state.records.put_page("crm", Kind.CONTACT, [bare], [], stand)
    assert [one.key for one in await rooms.state.arrivals.unindexed(rows.FORM, 10)] == [ANNA.key]
    await referee(rooms)
    assert await rooms.state.arrivals.unindexed(rows.FORM, 10) == []
    await rooms.graph.adopt([ANNA_TOO])
    assert await groups(rooms) == [["a1", "a2"]]
