"""What live resolution reads, kept in step with the contacts, on both databases."""

from dataclasses import replace

import pytest

from domain.customer import CanonicalIdentifier
from domain.live import Drift
from domain.ports import Comparable, Resolution
from domain.vocabulary import IdentifierKind

FORM = 1
MANY = range(-5, 5)


@pytest.fixture
def compared(contact):
    """A contact under some blocks, with the name it is counted by."""

    def build(external_id, *blocks, name="ada", **more):
        row = Comparable(
            form=FORM, row=name.encode(), blocks=blocks, terms=(("given", name), ("records", ""))
        )
        return replace(contact(external_id, **more), comparable=row)

    return build


@pytest.fixture
def read(state, key):
    """Ask the desk something while a record is settled."""

    async def ask(question, *named):
        told = []

        def judge(desk):
            told.append(question(desk))
            return Resolution(assignments=[], redirects={}, scope=frozenset(desk.arrived))

        await state.arrivals.settle(judge, keys=[key(one) for one in named])
        return told[0] if told else None

    return ask


async def test_records_are_found_under_their_blocks_up_to_a_number(put, compared, read, key):
    await put(*(compared(str(n), -(2**63), n, changed=1) for n in MANY))
    found = await read(lambda desk: desk.carriers([-(2**63), 3, 99], 4), "0")
    assert {block: len(numbers) for block, numbers in found.items()} == {
        -(2**63): 4,
        3: 1,
        99: 0,
    }
    rows = await read(lambda desk: desk.rows([desk.number(key("3")), 17]), "1")
    assert list(rows.values()) == [(key("3"), b"ada")]


async def test_terms_are_counted_as_records_come_change_and_go(put, compared, read, key):
    terms = [("given", "ada"), ("given", "bea"), ("given", "cleo"), ("records", "")]
    await put(compared("1", 1), compared("2", 1, name="bea"), compared("3", 1))
    counted = await read(lambda desk: desk.counts(terms), "1")
    assert counted == {("given", "ada"): 2, ("given", "bea"): 1, ("records", ""): 3}
    await put(compared("3", 2, name="bea", changed=5), deleted=[key("1")], told=6)
    counted = await read(lambda desk: desk.counts(terms), "3")
    assert (counted["given", "bea"], counted["records", ""]) == (2, 2)
    assert not counted.get(("given", "ada"))
    found = await read(lambda desk: desk.carriers([1, 2], 9), "1")
    assert [len(found[block]) for block in (1, 2)] == [1, 1]


async def test_what_has_changed_waits_until_it_is_settled(state, put, compared, read, key):
    await put(compared("1", 1), compared("2", 1))
    assert await state.arrivals.waiting(9) == [key("1"), key("2")]
    assert await read(lambda desk: list(desk.arrived), "1") == [key("1")]
    assert await read(lambda desk: list(desk.arrived), "1") is None
    await put(compared("1", 1, read=3))
    assert await state.arrivals.waiting(9) == [key("2")]


async def test_what_changes_while_everything_is_resolved_goes_on_waiting(state, put, compared, key):
    await put(compared("1", 1), compared("2", 1))
    await state.arrivals.begin_census()
    await put(compared("2", 7, changed=5))
    await state.arrivals.end_census(None)
    assert await state.arrivals.waiting(9) == [key("2")]


async def test_the_last_drift_is_kept(state):
    assert await state.arrivals.drift() is None
    for moved in (3, 1):
        await state.arrivals.begin_census()
        await state.arrivals.end_census(Drift(records=9, moved=moved, disagreement=0.25))
    assert await state.arrivals.drift() == Drift(records=9, moved=1, disagreement=0.25)


async def test_a_value_is_shared_by_several_or_by_so_many_that_it_is_nobodys(
    state, put, compared, read
):
    box, line, old = (CanonicalIdentifier(IdentifierKind.EMAIL, value) for value in "xyz")
    told = Resolution(assignments=[], redirects={}, shared=frozenset({box, line, old}))
    await state.identities.publish(replace(told, public=frozenset({line})))
    later = replace(told, scope=frozenset(), shared=frozenset({box}), unshared=frozenset({old}))
    await state.identities.publish(later)
    await put(compared("1", 1))
    values = [(one.kind, one.value) for one in (box, line, old)]
    found = await read(lambda desk: desk.shared(values), "1")
    assert found == {values[0]: False, values[1]: True}
