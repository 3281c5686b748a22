"""What a cache gave in place of a source is told as that, and taken no further."""

from dataclasses import replace

import pytest

from domain.customer import KeyKind, LookupKey
from domain.ids import Kind, SourceKey
from domain.provenance import Freshness
from domain.sources import ChildFilter, Deadline, PageRequest, Parent, ParentBy
from domain.vocabulary import Completeness, ServedFrom, SourceState
from resolvers import contacts
from resolvers.children import at_hand, fetch
from resolvers.pages import Cut
from resolvers.people import fetch as people


class Kept:
    """A source whose answers are some time old already."""

    def __init__(self, source, served_from, since):
        self._source = source
        self._served_from = served_from
        self._since = since
        self.asked = []

    def within(self, freshness):
        self.asked.append(freshness)
        kinds = self._source.children
        return replace(self._source, gets={Kind.CONTACT: self}, children=dict.fromkeys(kinds, self))

    async def children_of(self, parents, page, where, fields, deadline):
        reader = self._source.children[Kind.ORDER]
        live = await reader.children_of(parents, page, where, fields, deadline)
        told = {"served_from": self._served_from, "fetched_at": self._since}
        return [replace(one, items=tuple(map(self._marked, one.items)), **told) for one in live]

    async def get_many(self, ids, fields, deadline):
        live = await self._source.gets[Kind.CONTACT].get_many(ids, fields, deadline)
        return [one and self._marked(one) for one in live]

    def _marked(self, record):
        told = {"served_from": self._served_from, "fetched_at": self._since}
        return replace(record, provenance=replace(record.provenance, **told))


@pytest.fixture
def behind(world, fakes):
    """An operation whose shop stands behind a cache."""

    def run(served_from, name="shop"):
        operation = world.operation()
        sources = dict(operation.services.sources)
        kept = Kept(sources[name], served_from, fakes.ago(seconds=40))
        sources[name] = replace(sources[name], within=kept.within)
        operation.services = replace(operation.services, sources=sources)
        return operation, kept

    return run


@pytest.mark.parametrize(
    ("served_from", "completeness"),
    [
        (ServedFrom.CACHE, Completeness.COMPLETE),
        (ServedFrom.STALE_CACHE, Completeness.STALE),
    ],
)
async def test_a_list_says_since_when_it_is_known(world, fakes, behind, served_from, completeness):
    one = world.customer("cus_1", world.contact("shop", "s1"))
    world.order("s1", "a", fakes.ago(days=1))
    operation, kept = behind(served_from)
    found = await people(operation, [one], Freshness(), frozenset())
    wanted = Freshness(max_age_ms=45_000)
    (connection,) = await fetch(operation, found, Cut(kind=Kind.ORDER, freshness=wanted))
    assert set(kept.asked) == {wanted}
    (status,) = connection.sources
    assert (status.state, status.checked_at) == (SourceState.OK, fakes.ago(seconds=40))
    assert (status.last_success_at, status.latency_ms) == (fakes.ago(seconds=40), None)
    assert connection.completeness is completeness
    await operation.finish()
    assert world.store.pages == {}, "it was kept as last-good when its source gave it"


async def test_an_empty_list_that_was_kept_says_so_too(world, fakes, behind):
    one = world.customer("cus_1", world.contact("shop", "s1"))
    operation, _ = behind(ServedFrom.CACHE)
    found = await people(operation, [one], Freshness(), frozenset())
    (connection,) = await fetch(operation, found, Cut(kind=Kind.ORDER))
    assert connection.nodes == ()
    assert connection.sources[0].checked_at == fakes.ago(seconds=40)


@pytest.mark.parametrize("served_from", [ServedFrom.CACHE, ServedFrom.STALE_CACHE])
async def test_a_contact_says_since_when_it_is_known(world, fakes, behind, served_from):
    key = world.contact("shop", "s1")
    key = key if isinstance(key, SourceKey) else key.key
    world.store.rows.clear()
    operation, _ = behind(served_from)
    reading = (await contacts.read(operation, [key], Freshness(), None))[key]
    assert reading.contact.provenance.served_from is served_from
    assert reading.outcome.at == fakes.ago(seconds=40)
    assert reading.outcome.stale is (served_from is ServedFrom.STALE_CACHE)


async def test_what_is_at_hand_is_no_batch_and_nobody_is_called(world, fakes, behind):
    one = world.customer("cus_1", world.contact("shop", "s1"))
    world.order("s1", "a", fakes.ago(days=1))
    operation, kept = behind(ServedFrom.CACHE)
    found = await people(operation, [one], Freshness(), frozenset())
    parents = [Parent(ParentBy.OWN, "s1")]
    pages = await kept.children_of(parents, PageRequest(20), ChildFilter(), None, Deadline(9e9))
    told = dict(world.telemetry.counted)

    class Shelf:
        def pages(self, kind, parents, page, where, fields):
            return pages

    source = operation.services.sources["shop"]
    shelved = replace(source.within(Freshness()), children={}, at_hand=Shelf())
    sources = {"shop": replace(source, within=lambda _: shelved)}
    operation.services = replace(operation.services, sources=sources)
    asked = [await fetch(operation, found, Cut(kind=Kind.ORDER))]
    asked.append(at_hand(operation, found, Cut(kind=Kind.ORDER)))
    for (connection,) in asked:
        assert [order.key.external_id for order in connection.nodes] == ["a"]
        assert [one.at for one in connection.outcomes] == [fakes.ago(seconds=40)]
    assert world.telemetry.counted == told
    await operation.finish()
    assert world.store.pages == {}


async def test_customers_have_their_lists_at_hand_once_they_are_read_and_kept(world, fakes, behind):
    world.customer("cus_1", world.contact("shop", "s1"))
    operation, _ = behind(ServedFrom.CACHE)
    key = LookupKey(KeyKind.EXTERNAL, "s1", "shop")
    (owner,) = await operation.loaders.lookups([key], Freshness())
    cut = Cut(kind=Kind.ORDER)
    assert operation.loaders.connections_at_hand([owner], cut) is None, "places may share the call"
    operation, _ = behind(ServedFrom.CACHE)
    operation.loaders.at_once = True
    assert operation.loaders.connections_at_hand([owner], cut) is None, "nobody was read"
    await operation.loaders.lookups([key], Freshness())
    assert operation.loaders.connections_at_hand([owner], cut) is None, "the cache has nothing"
