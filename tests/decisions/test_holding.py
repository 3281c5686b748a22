"""Decisions hold over every later resolution and sync."""

import pytest

from domain.vocabulary import LinkStatus

REJECTED, CONFIRMED = LinkStatus.REJECTED, LinkStatus.CONFIRMED


@pytest.fixture
def family(desk):
    """Two records the model joins, a namesake it does not, and a stranger."""
    return [
        desk.contact(
            "crm:1",
            given_name="Margaret",
            family_name="Ellison",
            emails=("margaret@example.com",),
            phones=("+44 7700 900123",),
        ),
        desk.contact(
            "chat:a",
            full_name="Maggie Ellison",
            emails=("maggie@example.org",),
            phones=("07700 900 123",),
        ),
        desk.contact(
            "shop:9", given_name="Margaret", family_name="Ellison", emails=("m.e@example.net",)
        ),
        desk.contact("desk:s", full_name="Olu Sowande", emails=("olu@example.com",)),
    ]


async def owners(desk, family):
    return await desk.people.of_records([one.key for one in family])


async def test_a_merge_of_strangers_holds_over_a_resolution_and_a_full_sync(desk, family):
    await desk.store(family)
    await desk.resolve()
    one, _, namesake, stranger = await owners(desk, family)
    await desk.merge(namesake, stranger, one)
    assert set(await owners(desk, family)) == {namesake}
    await desk.resolve()
    assert set(await owners(desk, family)) == {namesake}
    await desk.store(family, full=True)
    await desk.resolve()
    assert set(await owners(desk, family)) == {namesake}
    assert {(await desk.cluster(id)).id for id in (one, stranger)} == {namesake}


async def test_a_wrong_merge_is_split_and_stays_split(desk, family):
    await desk.store(family)
    await desk.resolve()
    before = await desk.snapshot()
    one, _, namesake, _ = await owners(desk, family)
    await desk.merge(one, namesake)
    await desk.resolve()
    await desk.split(one, "shop:9")
    assert await desk.snapshot() == before
    await desk.resolve()
    assert await desk.snapshot() == before
    await desk.store(family, full=True)
    await desk.resolve()
    assert await desk.snapshot() == before


async def test_what_the_machine_joined_and_a_steward_split_stays_split(desk, family):
    await desk.store(family)
    await desk.resolve()
    joined, same, *_ = await owners(desk, family)
    assert joined == same
    kept, new = (await desk.split(joined, "chat:a")).customer_ids
    for _ in range(2):
        await desk.store(family, full=True)
        await desk.resolve()
        now = await owners(desk, family)
        assert {now[0], now[1]} == {kept, new}
    assert await desk.statuses("crm:1-chat:a") == [REJECTED]


async def test_a_record_that_is_read_again_does_not_undo_a_split(desk, family):
    await desk.store(family)
    await desk.resolve()
    joined = (await owners(desk, family))[0]
    await desk.split(joined, "chat:a")
    before = await desk.snapshot()
    await desk.people.adopt([family[1]])
    await desk.people.adopt([family[0]])
    assert await desk.snapshot() == before


async def test_a_split_for_once_is_open_to_the_next_resolution(desk, family):
    await desk.store(family)
    await desk.resolve()
    joined = (await owners(desk, family))[0]
    _, new = (await desk.split(joined, "chat:a", never_relink=False)).customer_ids
    now = await owners(desk, family)
    assert now[0] != now[1]
    await desk.resolve()
    assert (await owners(desk, family))[:2] == [joined, joined]
    assert (await desk.cluster(new)).id == joined


async def test_a_confirmed_and_a_rejected_link_hold_over_a_resolution(desk, family):
    await desk.store(family)
    await desk.resolve()
    joined = await desk.state.identities.links([family[0].key])
    auto = next(link for link in joined if link.status is LinkStatus.AUTO)
    await desk.reject(auto)
    one, _, namesake, _ = await owners(desk, family)
    near = await desk.link("crm:1", "shop:9", LinkStatus.PENDING, 4.0)
    await desk.confirm(near)
    await desk.resolve()
    now = await owners(desk, family)
    assert now[0] == now[2] == min(one, namesake)
    assert now[1] != now[0]
    assert await desk.statuses("crm:1-chat:a", "crm:1-shop:9") == [REJECTED, CONFIRMED]


async def test_a_record_that_was_deleted_comes_back_under_the_decision(desk, family):
    await desk.store(family)
    await desk.resolve()
    *_, namesake, stranger = await owners(desk, family)
    await desk.merge(stranger, namesake)
    await desk.store([one for one in family if one.key.source != "shop"], full=True)
    await desk.resolve()
    assert await desk.owner("shop:9") is None
    await desk.store(family, full=True)
    await desk.resolve()
    assert await desk.owner("shop:9") == stranger
