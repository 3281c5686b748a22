"""Last-good pages: once in a while, and anew as soon as a source tells of a change."""

import pytest

from domain.ids import Kind
from domain.sources import ChildPage, Parent, ParentBy
from resolvers.kept import keep, outdate

KINDS = {ParentBy.OWN: "s1", ParentBy.EMAIL: "alice@example.com", ParentBy.PHONE: "+447700900201"}


@pytest.fixture
def kept(world):
    """Keep a page of somebody by one process; says how many were written so far."""

    async def run(services, parent, kind=Kind.ORDER):
        await keep(services, kind, "shop", [(parent, ChildPage(items=()))])
        return world.store.reads["keep"]

    return run


@pytest.mark.parametrize(("by", "value"), KINDS.items())
async def test_what_an_event_tells_of_is_kept_anew_by_the_next_who_reads_it(
    world, fakes, kept, by, value
):
    services, parent = world.services(), Parent(by, value)
    assert [await kept(services, parent) for _ in range(2)] == [1, 1]
    await outdate(services, [world.order("s1", "1", fakes.NOW)])
    assert [await kept(services, parent) for _ in range(2)] == [2, 2]


async def test_who_never_kept_it_hears_of_the_event_through_the_shared_cache(world, fakes, kept):
    parent = Parent(ParentBy.OWN, "s1")
    assert await kept(world.services(), parent) == 1
    await outdate(world.services(), [world.order("s1", "1", fakes.NOW)])
    assert await kept(world.services(), parent) == 2


async def test_what_was_said_in_it_is_kept_anew_too_and_others_pages_are_not(world, fakes, kept):
    services = world.services()
    said, others = Parent(ParentBy.OWN, "1"), Parent(ParentBy.OWN, "s2")
    assert await kept(services, said, Kind.MESSAGE) == 1
    assert await kept(services, others) == 2
    await outdate(services, [world.order("s1", "1", fakes.NOW)])
    assert await kept(services, others) == 2
    assert await kept(services, said, Kind.MESSAGE) == 3
