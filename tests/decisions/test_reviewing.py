"""The queue, the history and a merge that is only tried."""

import pytest

from domain.errors import Forbidden, InputError, UnknownCustomer
from domain.ids import Kind, SourceKey
from domain.ports import SyncCursor
from domain.vocabulary import IdentityEventKind, LinkStatus
from resolvers import review
from resolvers.caller import Caller

PENDING = LinkStatus.PENDING


def ends(connection):
    return [(link.left.external_id, link.right.external_id) for link in connection.nodes]


@pytest.fixture
async def waiting(desk):
    """Six links: of equal weight, without one, and two that wait for nothing."""
    await desk.stand(**{f"cus_{text}": text for text in "abcdefg"})
    await desk.link("a", "b", PENDING, 4.0)
    await desk.link("b", "c", PENDING, 8.5)
    await desk.link("c", "d", PENDING, 4.0)
    await desk.link("a", "d", PENDING, None)
    await desk.link("d", "e", LinkStatus.AUTO, 12.0)
    await desk.link("e", "f", LinkStatus.REJECTED, 7.0)
    return [("b", "c"), ("a", "b"), ("c", "d"), ("a", "d")]


async def test_the_queue_is_read_strongest_first_in_pages(desk, waiting):
    assert await review.waiting_count(desk.operation()) == 4
    read, after = [], None
    for size in (1, 2, 1):
        page = await review.queue(desk.operation(), size, after)
        assert page.page_info.has_previous_page is (after is not None)
        read += ends(page)
        after = page.page_info.end_cursor
    assert read == waiting
    assert not page.page_info.has_next_page
    beyond = await review.queue(desk.operation(), 5, after)
    assert (beyond.edges, beyond.page_info.end_cursor) == ((), None)


async def test_a_decided_link_leaves_the_queue_and_its_cursor_still_leads_on(desk, waiting):
    page = await review.queue(desk.operation(), 2, None)
    await desk.confirm(page.nodes[1])
    rest = await review.queue(desk.operation(), 10, page.page_info.end_cursor)
    assert ends(rest) == waiting[2:]
    assert await review.waiting_count(desk.operation()) == 3
    await desk.reject(rest.nodes[0])
    assert ends(await review.queue(desk.operation(), 10, None)) == [("b", "c"), ("a", "d")]


async def test_a_link_whose_record_is_gone_does_not_wait(desk, waiting):
    gone = SourceKey("crm", Kind.CONTACT, "b")
    stand = SyncCursor(cursor="end", updated_at=desk.clock.now())
    await desk.state.records.put_page("crm", Kind.CONTACT, [], [gone], stand)
    page = await review.queue(desk.operation(), 10, None)
    assert ends(page) == [("c", "d"), ("a", "d")]
    assert await review.waiting_count(desk.operation()) == 2


@pytest.mark.parametrize("cursor", ["x", "waiting_AAAA", "event_MQ", "waiting_bmFuAGEAYgBjAGQ"])
async def test_a_cursor_of_another_list_is_refused(quick_desk, cursor):
    with pytest.raises(InputError):
        await review.queue(quick_desk.operation(), 10, cursor)


async def test_history_is_read_newest_first_by_any_id_the_customer_had(desk):
    await desk.stand(cus_1="a b", cus_2="c", cus_3="d")
    await desk.merge("cus_1", "cus_2")
    await desk.merge("cus_3", "cus_1")
    await desk.split("cus_3", "a b c")
    page = await review.history(desk.operation(), "cus_2", 2, None)
    kinds = [event.kind for event in page.nodes]
    assert kinds == [IdentityEventKind.SPLIT, IdentityEventKind.MERGED]
    assert page.page_info.has_next_page
    rest = await review.history(desk.operation(), "cus_2", 2, page.page_info.end_cursor)
    assert [event.after for event in rest.nodes] == [("cus_1",)]
    assert not rest.page_info.has_next_page


@pytest.mark.parametrize("id", ["cus_nobody", "cus_\0", "nonsense"])
async def test_the_history_of_nobody_is_an_error(desk, id):
    with pytest.raises(UnknownCustomer):
        await review.history(desk.operation(), id, 10, None)


async def test_a_merge_that_is_tried_says_what_it_would_make_and_makes_nothing(desk):
    one = desk.contact("crm:1", full_name="Ada Byron", emails=("ada@example.com",))
    other = desk.contact("chat:2", full_name="Ada King Byron", emails=("king@example.com",))
    await desk.store([one, other])
    await desk.resolve()
    before = await desk.snapshot()
    await desk.link("crm:1", "chat:2", PENDING, 5.0)
    ids = [await desk.owner("crm:1"), await desk.owner("chat:2")]
    tried = await review.preview(desk.operation(), ids[0], ids[1:])
    assert (tried.allowed, tried.problems, tried.records_after) == (True, (), 2)
    assert tried.match_probability == pytest.approx(1 - 2**-6)
    values = {value.name: value for value in tried.attributes_after}
    assert values["name"].value == "Ada King Byron"
    assert {values["email"].value, values["email"].alternatives[0].value} == {
        "a***@e***.com",
        "k***@e***.com",
    }
    assert await desk.snapshot() == before


async def test_a_merge_against_an_earlier_decision_says_so_and_is_allowed(desk):
    await desk.stand(cus_1="a b")
    _, new = (await desk.split("cus_1", "b")).customer_ids
    tried = await review.preview(desk.operation(), "cus_1", [new])
    assert tried.allowed
    assert [problem.code for problem in tried.problems] == ["REJECTED_BEFORE"]


@pytest.mark.parametrize(
    ("keep", "absorb", "problems"),
    [
        ("cus_1", ["cus_1"], [("NOTHING_TO_DECIDE", ("absorb",))]),
        ("cus_1", [], [("INVALID", ("absorb",))]),
        (
            "cus_0",
            ["cus_1", "x\0"],
            [("UNKNOWN_CUSTOMER", ("keep",)), ("UNKNOWN_CUSTOMER", ("absorb", "1"))],
        ),
    ],
)
async def test_a_merge_that_cannot_be_says_why(desk, keep, absorb, problems):
    await desk.stand(cus_1="a")
    tried = await review.preview(desk.operation(), keep, absorb)
    assert not tried.allowed
    assert [(one.code, one.field) for one in tried.problems] == problems


async def test_three_customers_are_as_sure_as_the_least_sure_of_their_joins(desk):
    await desk.stand(cus_1="a", cus_2="b", cus_3="c")
    await desk.link("a", "b", PENDING, 6.0)
    alone = await review.preview(desk.operation(), "cus_1", ["cus_2", "cus_3"])
    assert alone.match_probability is None
    await desk.link("b", "c", PENDING, 3.0)
    await desk.link("a", "c", PENDING, 1.0)
    tried = await review.preview(desk.operation(), "cus_1", ["cus_2", "cus_3"])
    assert tried.match_probability == pytest.approx(1 - 2**-4)


@pytest.mark.parametrize("scopes", [set(), {"staff"}, {"customer:any"}])
async def test_only_staff_who_may_read_anybody_review(quick_desk, scopes):
    caller = Caller(name="bot", scopes=frozenset(scopes))
    for ask in (
        lambda: review.queue(quick_desk.operation(caller), 1, None),
        lambda: review.waiting_count(quick_desk.operation(caller)),
        lambda: review.history(quick_desk.operation(caller), "cus_1", 1, None),
        lambda: review.preview(quick_desk.operation(caller), "cus_1", ["cus_2"]),
    ):
        with pytest.raises(Forbidden):
            await ask()
