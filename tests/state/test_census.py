"""A resolution of everything as rows reads back as one that came as objects."""

from collections.abc import Callable

import pytest

from domain.errors import StaleVersion
from domain.ports import Census
from domain.records import Actor
from domain.vocabulary import ActorKind, IdentityEventKind, LinkStatus

BY = Actor(kind=ActorKind.SYSTEM, id="identity")


@pytest.fixture
async def stored(state, put, contact, key):
    """Five records of the CRM, and each one's name in the store."""
    await put(*(contact(name) for name in "abcde"))
    (page,) = [page async for page in state.records.every_body()]
    return dict(zip("abcde", (text for text, _ in page), strict=True))


@pytest.fixture
def census(stored, resolution, at) -> Callable[..., Census]:
    """`census({"cus_1": "ab"}, links=[("a", "b", "AUTO", 9.5)])`: created customers."""

    def build(created: dict[str, str], links=(), changed=None, **more: object) -> Census:
        return Census(
            resolution=resolution(changed or {}, **more),
            created=lambda: iter([[(id, 0.9) for id in sorted(created)]]),
            members=lambda: iter(
                [sorted((stored[name], id) for id, names in created.items() for name in names)]
            ),
            links=lambda: iter(
                [
                    [
                        (stored[left], stored[right], status, weight, 0.99, "email=0")
                        for left, right, status, weight in links
                    ]
                ]
            ),
            decided_by=BY,
            decided_at=at(5),
            prior_weight=-12.5,
            model_version="m1",
        )

    return build


async def test_bodies_come_in_the_order_of_keys_and_can_be_read(state, put, contact, key):
    await put(*(contact(str(number)) for number in range(25)))
    await put(contact("a", source="chat"), source="chat")
    pages = [page async for page in state.records.every_body(batch=10)]
    assert [len(page) for page in pages] == [10, 10, 6]
    names = [text for page in pages for text, _ in page]
    assert names == sorted(names)
    assert b'"external_id":"a"' in pages[0][0][1]


async def test_what_a_deleted_record_said_is_not_read(state, put, contact, key):
    await put(contact("a"), contact("b"))
    await put(deleted=[key("a")])
    (page,) = [page async for page in state.records.every_body()]
    assert len(page) == 1


async def test_created_customers_have_records_events_and_a_version(state, census, key, at):
    await state.identities.publish_census(census({"cus_1": "ac", "cus_2": "b"}, based_on=0))
    first, second = await state.identities.clusters(["cus_1", "cus_2"])
    assert (first.members, first.version, first.confidence) == ((key("a"), key("c")), 1, 0.9)
    assert second.members == (key("b"),)
    assert await state.identities.of_records([key("c"), key("d")]) == ["cus_1", None]
    (event,) = await state.identities.history("cus_2", 10, None)
    assert (event.kind, event.before, event.after) == (IdentityEventKind.CREATED, (), ("cus_2",))
    assert (event.by, event.at) == (BY, at(5))


async def test_memberships_are_read_back_in_pages(state, census, stored):
    await state.identities.publish_census(census({"cus_1": "ac", "cus_2": "b"}))
    pages = [page async for page in state.identities.every_membership(batch=2)]
    assert pages == [
        [(stored["a"], "cus_1"), (stored["b"], "cus_2")],
        [(stored["c"], "cus_1")],
    ]


async def test_links_replace_the_undecided_ones_and_leave_decisions(
    state, census, resolution, link, key
):
    decided = link("a", "c", status=LinkStatus.REJECTED)
    await state.identities.publish(resolution({"cus_1": "ab"}, links=[link("a", "b"), decided]))
    links = [("b", "c", "PENDING", 4.5)]
    await state.identities.publish_census(census({"cus_2": "c"}, links=links))
    found = await state.identities.links([key("a"), key("b"), key("c")])
    assert [(one.left, one.right, one.status) for one in found] == [
        (key("a"), key("c"), LinkStatus.REJECTED),
        (key("b"), key("c"), LinkStatus.PENDING),
    ]
    (fresh,) = [one for one in found if one.status is LinkStatus.PENDING]
    assert (fresh.match_weight, fresh.prior_weight, fresh.model_version, fresh.levels) == (
        4.5,
        -12.5,
        "m1",
        "email=0",
    )


async def test_events_of_two_censuses_follow_one_another(state, census):
    await state.identities.publish_census(census({"cus_1": "a", "cus_2": "b"}))
    await state.identities.publish_census(census({"cus_3": "c"}))
    (second,) = await state.identities.history("cus_2", 10, None)
    (third,) = await state.identities.history("cus_3", 10, None)
    assert (second.sequence, third.sequence) == (2, 3)


async def test_customers_that_stand_change_in_the_same_publication(state, census, key):
    await state.identities.publish_census(census({"cus_1": "a", "cus_2": "b"}))
    later = census({"cus_3": "d"}, changed={"cus_1": "abc"}, redirects={"cus_2": "cus_1"})
    await state.identities.publish_census(later)
    first, second, third = await state.identities.clusters(["cus_1", "cus_2", "cus_3"])
    assert first == second
    assert (first.members, first.aliases) == ((key("a"), key("b"), key("c")), ("cus_2",))
    assert third.members == (key("d"),)


async def test_a_census_of_an_older_state_changes_nothing(state, census):
    await state.identities.publish_census(census({"cus_1": "a"}))
    with pytest.raises(StaleVersion):
        await state.identities.publish_census(census({"cus_2": "b"}, based_on=0))
    assert await state.identities.clusters(["cus_2"]) == [None]
    assert await state.identities.version() == 1
