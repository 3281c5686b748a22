from datetime import timedelta

import pytest

from domain.errors import SourceRateLimited, SourceTimeout, SourceUnavailable
from domain.ids import CustomerId, Kind
from domain.provenance import Freshness
from domain.sources import ChildPage, Parent, ParentBy
from domain.vocabulary import Completeness, SourceState
from resolvers.kept import keep
from resolvers.ledger import Ledger, Outcome
from resolvers.trails import Trail

DOWN = SourceUnavailable("shop", "503")


async def test_one_source_missing_at_one_field_of_fifty_customers_is_one_problem(world):
    operation = world.operation()
    for i in reversed(range(50)):
        operation.report(("customers", i, "orders"), [DOWN])
    (problem,) = operation.problems
    assert problem.path == ("customers", 0, "orders")


async def test_another_field_another_source_and_another_code_are_problems_of_their_own(world):
    operation = world.operation()
    operation.report(("customer", "orders"), [DOWN, SourceUnavailable("crm", "503")])
    operation.report(("customer", "orders"), [SourceTimeout("shop", "slow")])
    operation.report(("customer", "late"), [DOWN])
    told = [(one.path[1], one.error.source, one.error.code) for one in operation.problems]
    assert sorted(told) == [
        ("late", "shop", "SOURCE_UNAVAILABLE"),
        ("orders", "crm", "SOURCE_UNAVAILABLE"),
        ("orders", "shop", "SOURCE_TIMEOUT"),
        ("orders", "shop", "SOURCE_UNAVAILABLE"),
    ]


async def test_the_first_place_is_by_number_and_not_by_text(world):
    operation = world.operation()
    for i in (10, 9):
        operation.report(("customers", i, "orders"), [DOWN])
    assert operation.problems[0].path[1] == 9


async def test_a_record_reached_through_two_customers_counts_for_both(world, fakes):
    operation = world.operation()
    ticket = world.ticket("z", "t", fakes.NOW)
    for one in ("cus_1", "cus_2"):
        operation.follow([ticket], Trail(customers=frozenset({CustomerId(one)})))
    assert operation.trail(ticket.key).customers == {"cus_1", "cus_2"}


async def test_what_many_customers_have_is_followed_to_each_of_them(world, fakes):
    operation = world.operation()
    one, both, none = (world.ticket("z", name, fakes.NOW) for name in ("t1", "t2", "t3"))
    freshness = Freshness(max_age_ms=7)
    customers = [CustomerId("cus_1"), CustomerId("cus_2"), CustomerId("cus_3")]
    operation.follow_each(customers, [(one, both), (both,), None], freshness)
    assert operation.trail(both.key) == Trail(
        customers=frozenset({"cus_1", "cus_2"}), freshness=freshness
    )
    assert operation.trail(one.key).customers == {"cus_1"}
    assert operation.trail(none.key) == Trail()


async def test_pages_are_kept_when_the_answer_is_out_and_once(world, fakes):
    operation = world.operation()
    page = ChildPage(items=(world.order("s1", "1", fakes.NOW),))
    operation.remember(Kind.ORDER, "shop", [(Parent(ParentBy.OWN, "s1"), page)])
    assert not world.store.pages
    await operation.finish()
    await operation.finish()
    assert world.store.reads["keep"] == 1


async def test_a_page_kept_a_moment_ago_is_not_written_again(world, fakes):
    services = world.services()
    spot = ("shop", Parent(ParentBy.EMAIL, "alice@example.com"))
    page = ChildPage(items=(world.order("s1", "1", fakes.NOW),))
    for _ in range(3):
        await keep(services, Kind.ORDER, spot[0], [(spot[1], page)])
    assert world.store.reads["keep"] == 1
    (marker,) = world.cache.held
    assert "alice" not in marker
    elsewhere = world.services()
    await keep(elsewhere, Kind.ORDER, spot[0], [(spot[1], page)])
    assert world.store.reads["keep"] == 1
    world.cache.held.clear()
    await keep(world.services(), Kind.ORDER, spot[0], [(spot[1], page)])
    assert world.store.reads["keep"] == 2


# ---------------------------------------------------------------- the ledger


@pytest.mark.parametrize(
    ("outcomes", "completeness", "state"),
    [
        ([], Completeness.COMPLETE, SourceState.NOT_ASKED),
        ([Outcome(source="shop")], Completeness.COMPLETE, SourceState.OK),
        (
            [Outcome(source="shop", error=DOWN, stale=True)],
            Completeness.STALE,
            SourceState.UNAVAILABLE,
        ),
        (
            [Outcome(source="shop", error=DOWN, answered=False)],
            Completeness.UNKNOWN,
            SourceState.UNAVAILABLE,
        ),
        (
            [Outcome(source="shop"), Outcome(source="shop", error=DOWN, answered=False)],
            Completeness.PARTIAL,
            SourceState.UNAVAILABLE,
        ),
        (
            [Outcome(source="shop"), Outcome(source="shop", answered=False, note="left alone")],
            Completeness.PARTIAL,
            SourceState.NOT_ASKED,
        ),
    ],
)
async def test_the_worst_outcome_of_a_source_is_shown_and_all_are_judged(
    world, outcomes, completeness, state
):
    ledger = Ledger(world.services().sources)
    ledger.note([CustomerId("cus_1")], outcomes)
    assert ledger.completeness(CustomerId("cus_1")) is completeness
    shown = {one.system.name: one for one in ledger.statuses(CustomerId("cus_1"))}
    assert list(shown) == ["crm", "shop", "desk", "chat"]
    assert shown["shop"].state is state
    assert shown["crm"].state is SourceState.NOT_ASKED


def test_what_is_noted_of_one_customer_is_not_of_another(world):
    ann, bob, cid = (CustomerId(f"cus_{name}") for name in ("ann", "bob", "cid"))
    ledger = Ledger(world.services().sources)
    ledger.note([ann, bob], [Outcome(source="shop")])
    assert {ledger.completeness(one) for one in (ann, bob, cid)} == {Completeness.COMPLETE}
    ledger.note([bob, cid], [Outcome(source="desk", error=DOWN, answered=False)])
    ledger.note([bob], [Outcome(source="chat", stale=True)])
    judged = [ledger.completeness(one) for one in (ann, bob, cid)]
    assert judged == [Completeness.COMPLETE, Completeness.PARTIAL, Completeness.UNKNOWN]
    states = [{one.system.name: one.state for one in ledger.statuses(of)} for of in (ann, bob, cid)]
    assert [state["shop"] for state in states] == [
        SourceState.OK,
        SourceState.OK,
        SourceState.NOT_ASKED,
    ]


async def test_a_failed_source_shows_when_it_last_answered_and_how_long_it_wants_to_be_left(
    world, fakes
):
    error = SourceRateLimited("shop", "429", retry_after_s=1.5)
    ledger = Ledger(world.services().sources)
    failed = Outcome(source="shop", answered=False, error=error, at=fakes.NOW, latency_ms=12)
    ledger.note([CustomerId("cus_1")], [failed])
    shop = ledger.statuses(CustomerId("cus_1"))[1]
    assert (shop.retry_after_ms, shop.latency_ms) == (1500, 12)
    assert fakes.NOW - shop.last_success_at == timedelta(minutes=7)
    assert shop.message == "shop: 429"
