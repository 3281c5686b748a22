"""Records that are placed among others while others publish."""

import pytest

from domain.customer import CanonicalIdentifier
from domain.errors import StaleVersion
from domain.ids import CustomerId, Kind, SourceKey
from domain.ports import Resolution
from domain.provenance import Provenance, System
from domain.records import Contact
from domain.vocabulary import SystemKind
from identity.graph import ATTEMPTS, People


class Crowded:
    """A store of people in which somebody else is always first."""

    def __init__(self):
        self.tried = 0

    async def version(self):
        return 1

    async def decisions(self):
        return []

    async def shared(self, identifiers: list[CanonicalIdentifier]):
        return [False] * len(identifiers)

    async def of_records(self, keys):
        return [CustomerId("cus_1")] * len(keys)

    async def clusters(self, ids):
        return [None] * len(ids)

    async def publish(self, resolution):
        self.tried += 1
        raise StaleVersion("somebody else was first")

    async def find(self, identifiers):
        return [()] * len(identifiers)

    async def contacts(self, keys):
        return [None] * len(keys)


async def settle(contacts, standing):
    return Resolution(assignments=[], redirects={})


async def test_a_record_that_could_not_be_stored_is_not_said_to_be(clock):
    """It has an owner from before, so that nothing else would tell that its new values are lost."""
    store = Crowded()
    people = People(store, store, settle, lambda links: [], {"crm": None})
    said = Provenance(
        system=System(name="crm", kind=SystemKind.CRM, connector="test"),
        external_id="1",
        fetched_at=clock.now(),
    )
    known = Contact(key=SourceKey("crm", Kind.CONTACT, "1"), provenance=said, full_name="Ada")
    with pytest.raises(StaleVersion):
        await people.adopt([known])
    assert store.tried == ATTEMPTS
