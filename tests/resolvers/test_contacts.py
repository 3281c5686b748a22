from dataclasses import replace

import pytest

from domain.errors import SourceTimeout, SourceUnavailable
from domain.ids import Kind, SourceKey
from domain.provenance import Freshness
from domain.vocabulary import ServedFrom, SourceState
from resolvers.contacts import read


async def only(world, operation, key, freshness=None, fields=None):
    return (await read(operation, [key], freshness or Freshness(), fields))[key]


async def test_a_young_row_is_served_from_the_store_without_a_call(world, fakes):
    key = world.contact("crm", "1", fetched_at=fakes.ago(seconds=59)).key
    reading = await only(world, world.operation(), key)
    assert reading.contact.provenance.served_from is ServedFrom.CACHE
    assert reading.outcome.state is SourceState.OK
    assert reading.outcome.latency_ms is None
    assert not world.called()


async def test_an_old_row_is_read_again_from_its_source(world, fakes):
    key = world.contact("crm", "1", fetched_at=fakes.ago(seconds=61)).key
    reading = await only(world, world.operation(), key)
    assert reading.contact.provenance.served_from is ServedFrom.LIVE
    assert reading.contact.provenance.fetched_at == fakes.NOW
    assert world.called() == {("crm", "get", "contact"): 1}


async def test_the_age_allowed_is_the_callers(world, fakes):
    key = world.contact("crm", "1", fetched_at=fakes.ago(hours=2)).key
    freshness = Freshness(max_age_ms=3 * 3600 * 1000)
    reading = await only(world, world.operation(), key, freshness)
    assert reading.contact.provenance.served_from is ServedFrom.CACHE


async def test_many_contacts_are_one_call_for_each_source_and_one_read_of_the_store(world):
    keys = [
        world.contact(source, str(i)).key for i in range(50) for source in ("crm", "shop", "chat")
    ]
    found = await read(world.operation(), [*keys, *keys], Freshness(), None)
    assert set(found) == set(keys)
    assert set(world.called().values()) == {1}
    assert len(world.called()) == 3
    assert world.store.reads["contacts"] == 1


async def test_only_what_is_read_is_asked_for(world):
    key = world.contact("crm", "1").key
    await only(world, world.operation(), key, fields=frozenset({"emails", "no_such"}))
    assert world["crm"].calls[0].fields == {"emails", "key", "provenance"}


async def test_a_failing_source_is_replaced_by_what_was_kept(world):
    key = world.contact("crm", "1").key
    world["crm"].broken[Kind.CONTACT] = SourceUnavailable("crm", "503")
    reading = await only(world, world.operation(), key)
    assert reading.contact.provenance.served_from is ServedFrom.STALE_CACHE
    assert (reading.outcome.answered, reading.outcome.stale) == (True, True)
    assert reading.outcome.state is SourceState.UNAVAILABLE


async def test_a_caller_who_wants_nothing_stale_gets_nothing(world):
    key = world.contact("crm", "1").key
    world["crm"].broken[Kind.CONTACT] = SourceUnavailable("crm", "503")
    reading = await only(world, world.operation(), key, Freshness(allow_stale=False))
    assert reading.contact is None
    assert not reading.outcome.answered


async def test_a_failed_chunk_leaves_the_others_whole(world):
    good, bad = (world.contact("crm", one, kept=False).key for one in ("1", "2"))
    world["crm"].broken_for["2"] = SourceTimeout("crm", "slow")
    found = await read(world.operation(), [good, bad], Freshness(), None)
    assert found[good].contact is not None
    assert found[bad].outcome.state is SourceState.TIMEOUT


async def test_a_row_its_source_has_no_more_is_gone_although_it_was_kept(world):
    key = world.contact("crm", "1").key
    del world["crm"].contacts["1"]
    reading = await only(world, world.operation(), key)
    assert reading.contact is None
    assert reading.outcome.answered


async def test_a_row_of_a_source_that_is_not_configured_is_served_as_it_was_kept(world, fakes):
    row = world.contact("crm", "1")
    key = SourceKey("retired", Kind.CONTACT, "1")
    world.store.rows[key] = replace(row, key=key)
    reading = await only(world, world.operation(), key)
    assert reading.contact.key == key
    assert reading.outcome is None


@pytest.mark.parametrize("allow_stale", [True, False])
async def test_a_source_that_hangs_is_given_up_at_its_timeout(world, allow_stale):
    world.timeout_s = 0.01
    key = world.contact("crm", "1").key
    world["crm"].hangs.add(Kind.CONTACT)
    reading = await only(world, world.operation(), key, Freshness(allow_stale=allow_stale))
    assert reading.outcome.state is SourceState.TIMEOUT
    assert (reading.contact is not None) is allow_stale
