"""Merge, split, confirm, reject: what each leaves, exactly."""

import pytest

from domain.errors import Forbidden
from domain.vocabulary import ActivityKind, IdentityEventKind, LinkMethod, LinkStatus
from resolvers import decisions
from resolvers.caller import Caller
from resolvers.decisions import Merge, Split, Version
from resolvers.places import event_place

AUTO, PENDING, CONFIRMED = LinkStatus.AUTO, LinkStatus.PENDING, LinkStatus.CONFIRMED
REJECTED, SUPERSEDED = LinkStatus.REJECTED, LinkStatus.SUPERSEDED


def codes(payload):
    return [(error.code.value, error.field) for error in payload.user_errors]


# ---------------------------------------------------------------- merge


async def test_a_merge_keeps_the_id_that_is_named_and_leads_the_others_to_it(desk):
    await desk.stand(cus_1="a", cus_2="b c", cus_3="d")
    payload = await desk.merge("cus_2", "cus_1", "cus_3")
    assert payload.user_errors == ()
    assert payload.customer_ids == ("cus_2",)
    merged = await desk.cluster("cus_1")
    assert (merged.id, merged.aliases) == ("cus_2", ("cus_1", "cus_3"))
    assert await desk.members("cus_3") == "a b c d"


async def test_a_merge_is_written_with_who_when_and_why(desk):
    await desk.stand(cus_1="a", cus_2="b")
    payload = await desk.merge("cus_1", "cus_2", reason="  same passport  ")
    (event,) = await desk.state.decisions.history("cus_2", 10, None)
    assert event_place(payload.event) == event.sequence
    assert event.kind is IdentityEventKind.MERGED
    assert (event.before, event.after) == (("cus_1", "cus_2"), ("cus_1",))
    assert (event.by.kind.value, event.by.id) == ("HUMAN", "steward")
    assert (event.reason, event.at) == ("same passport", desk.clock.now())


async def test_a_merge_confirms_every_pair_across_and_keeps_what_the_model_said(desk):
    await desk.stand(cus_1="a b", cus_2="c")
    await desk.link("a", "b", AUTO, 12.0)
    await desk.link("b", "c", PENDING, 5.0)
    await desk.merge("cus_1", "cus_2")
    assert await desk.statuses("a-b", "a-c", "b-c") == [AUTO, CONFIRMED, CONFIRMED]
    links = {
        link.left.external_id: link for link in await desk.state.identities.links([desk.key("c")])
    }
    assert links["b"].match_weight == 5.0
    assert links["b"].method is LinkMethod.MANUAL
    assert links["a"].match_weight is None


async def test_who_follows_a_customer_hears_of_a_decision_once_and_of_none_that_changed_nothing(
    desk,
):
    await desk.stand(cus_1="a", cus_2="b")
    await desk.merge("cus_1", "cus_2", key="k")
    await desk.merge("cus_1", "cus_2", key="k")
    told = await desk.state.events(lambda _: None).activities(0, 10)
    assert [(one.kind, one.customer) for one in told] == [(ActivityKind.IDENTITY, "cus_1")]
    assert told[0].at == desk.clock.now()


# ---------------------------------------------------------------- split


async def test_a_split_of_a_merge_gives_both_their_ids_and_records_back(desk):
    await desk.stand(cus_1="a b", cus_2="c d")
    before = await desk.snapshot()
    await desk.merge("cus_1", "cus_2")
    payload = await desk.split("cus_1", "c d")
    assert payload.customer_ids == ("cus_1", "cus_2")
    assert await desk.snapshot() == before
    assert (await desk.cluster("cus_2")).aliases == ()


async def test_the_part_with_the_oldest_membership_keeps_the_id_whichever_is_named(desk):
    await desk.stand(cus_1="a b", cus_2="c d e")
    await desk.merge("cus_1", "cus_2")
    payload = await desk.split("cus_1", "a b")
    assert payload.customer_ids == ("cus_1", "cus_2")
    assert await desk.members("cus_1") == "a b"


async def test_a_part_that_never_stood_alone_is_given_a_new_id(desk):
    await desk.stand(cus_1="a b c")
    payload = await desk.split("cus_1", "c")
    kept, new = payload.customer_ids
    assert kept == "cus_1"
    assert new.startswith("cus_")
    assert (await desk.members(kept), await desk.members(new)) == ("a b", "c")


async def test_aliases_lead_to_the_part_that_holds_most_of_what_they_held(desk):
    await desk.stand(cus_1="a", cus_2="b", cus_3="c", cus_4="d")
    await desk.merge("cus_2", "cus_3")
    await desk.merge("cus_1", "cus_2", "cus_4")
    await desk.split("cus_1", "b c")
    led = [(await desk.cluster(f"cus_{number}")).id for number in (1, 2, 3, 4)]
    assert led == ["cus_1", "cus_2", "cus_2", "cus_1"]
    await desk.split("cus_2", "c")
    assert (await desk.cluster("cus_3")).id == "cus_3"


async def test_a_split_of_a_chain_of_merges_leads_the_middle_one_home(desk):
    await desk.stand(cus_1="a", cus_2="b", cus_3="c")
    await desk.merge("cus_2", "cus_3")
    await desk.merge("cus_1", "cus_2")
    await desk.split("cus_1", "b")  # cus_2 held b and c, cus_3 held c alone
    owners = {text: await desk.owner(text) for text in "abc"}
    assert (await desk.cluster("cus_3")).id == owners["c"]
    assert owners["a"] == owners["c"] == "cus_1"
    assert owners["b"] not in {"cus_1", "cus_3"}


async def test_a_machines_wrong_merge_is_split_into_the_ids_of_before(desk):
    one = desk.contact("crm:1", full_name="Ada Byron", emails=("ada@example.com",))
    other = desk.contact("chat:2", full_name="Ada Byron", emails=("ada.b@example.org",))
    await desk.store([one, other])
    await desk.resolve()
    before = await desk.snapshot()
    assert len(before) == 2
    alike = desk.contact("chat:2", full_name="Ada Byron", emails=("ada@example.com",))
    await desk.store([alike])
    await desk.resolve()
    (together,) = await desk.snapshot()
    payload = await desk.split(together, "chat:2")
    assert set(payload.customer_ids) == set(before)
    assert await desk.snapshot() == before


async def test_a_split_for_good_rejects_every_pair_across(desk):
    await desk.stand(cus_1="a b", cus_2="c")
    await desk.merge("cus_1", "cus_2")
    await desk.split("cus_1", "b")
    assert await desk.statuses("a-b", "b-c", "a-c") == [REJECTED, REJECTED, CONFIRMED]


async def test_a_split_for_once_leaves_no_decision_behind(desk):
    await desk.stand(cus_1="a b", cus_2="c")
    await desk.link("a", "b", AUTO, 12.0)
    await desk.merge("cus_1", "cus_2")
    await desk.split("cus_1", "b", never_relink=False)
    assert await desk.statuses("a-b", "b-c", "a-c") == [SUPERSEDED, SUPERSEDED, CONFIRMED]
    assert [link.status for link in await desk.state.identities.decisions()] == [CONFIRMED]


async def test_a_merge_takes_back_an_earlier_split(desk):
    await desk.stand(cus_1="a b")
    _, new = (await desk.split("cus_1", "b")).customer_ids
    payload = await desk.merge("cus_1", new)
    assert payload.user_errors == ()
    assert await desk.statuses("a-b") == [CONFIRMED]
    assert (await desk.cluster(new)).id == "cus_1"


# ---------------------------------------------------------------- one link


async def test_confirming_a_link_makes_its_customers_one_and_the_older_id_survives(desk):
    await desk.stand(cus_2="b", cus_1="a c")
    link = await desk.link("a", "b", PENDING, 6.0)
    payload = await desk.confirm(link)
    assert payload.customer_ids == ("cus_1",)
    assert await desk.statuses("a-b", "b-c") == [CONFIRMED, CONFIRMED]
    (event,) = await desk.state.decisions.history("cus_1", 1, None)
    assert event.kind is IdentityEventKind.CONFIRMED
    assert (event.before, event.after) == (("cus_1", "cus_2"), ("cus_1",))


async def test_confirming_a_link_within_a_customer_decides_that_pair_alone(desk):
    await desk.stand(cus_1="a b c")
    link = await desk.link("a", "b", AUTO, 12.0)
    await desk.link("b", "c", AUTO, 12.0)
    version = (await desk.cluster("cus_1")).version
    assert (await desk.confirm(link)).customer_ids == ("cus_1",)
    assert await desk.statuses("a-b", "b-c") == [CONFIRMED, AUTO]
    assert (await desk.cluster("cus_1")).version == version


async def test_rejecting_a_link_across_customers_decides_that_pair_alone(desk):
    await desk.stand(cus_1="a", cus_2="b c")
    link = await desk.link("a", "b", PENDING, 6.0)
    await desk.link("a", "c", PENDING, 5.0)
    before = await desk.snapshot()
    assert (await desk.reject(link)).customer_ids == ("cus_1", "cus_2")
    assert await desk.statuses("a-b", "a-c") == [REJECTED, PENDING]
    assert await desk.snapshot() == before


async def test_rejecting_a_link_within_a_customer_parts_it_along_the_stronger_links(desk):
    await desk.stand(cus_1="a b c d")
    await desk.link("a", "c", AUTO, 14.0)
    await desk.link("b", "d", AUTO, 13.0)
    await desk.link("c", "d", AUTO, 9.5)
    link = await desk.link("a", "b", AUTO, 10.0)
    kept, new = (await desk.reject(link)).customer_ids
    assert (await desk.members(kept), await desk.members(new)) == ("a c", "b d")
    assert await desk.statuses("a-b", "c-d", "a-c") == [REJECTED, PENDING, AUTO]


async def test_a_link_that_other_decisions_hold_is_not_rejected(desk):
    await desk.stand(cus_1="a b", cus_2="c d")
    link = await desk.link("a", "c", PENDING, 5.0)
    await desk.merge("cus_1", "cus_2")
    payload = await desk.reject(link)
    assert codes(payload) == [("CONFLICT", ("id",))]
    assert await desk.members("cus_1") == "a b c d"


async def test_a_confirmed_link_is_taken_back_by_rejecting_it(desk):
    await desk.stand(cus_1="a", cus_2="b")
    link = await desk.link("a", "b", PENDING, 6.0)
    before = await desk.snapshot()
    await desk.confirm(link)
    assert (await desk.reject(link)).customer_ids == ("cus_1", "cus_2")
    assert await desk.snapshot() == before


# ---------------------------------------------------------------- again, and too late


async def test_the_same_key_is_answered_as_the_first_time_and_changes_nothing(desk):
    await desk.stand(cus_1="a", cus_2="b")
    wish = Merge(
        keep=await desk.seen("cus_1"),
        absorb=(await desk.seen("cus_2"),),
        reason="one",
        idempotency_key="k",
    )
    first = await desk.ask(wish)
    version = await desk.state.identities.version()
    assert await desk.ask(wish) == first
    await desk.split("cus_1", "b")
    assert await desk.ask(wish) == first
    assert await desk.members("cus_1") == "a"
    assert await desk.state.identities.version() == version + 1


async def test_the_same_call_under_another_key_changes_nothing(desk):
    await desk.stand(cus_1="a", cus_2="b")
    seen = {"keep": await desk.seen("cus_1"), "absorb": (await desk.seen("cus_2"),)}
    first = await desk.ask(Merge(**seen, reason="one", idempotency_key="k1"))
    again = await desk.ask(Merge(**seen, reason="one, I said", idempotency_key="k2"))
    assert again == first
    assert len(await desk.state.decisions.history("cus_1", 10, None)) == 1


async def test_the_same_split_under_another_key_changes_nothing(desk):
    await desk.stand(cus_1="a b")
    wish = {
        "customer": await desk.seen("cus_1"),
        "records": (desk.key("b").node_id,),
        "reason": "two",
        "never_relink": True,
    }
    first = await desk.ask(Split(**wish, idempotency_key="k1"))
    assert await desk.ask(Split(**wish, idempotency_key="k2")) == first
    await desk.merge(*first.customer_ids)
    late = await desk.ask(Split(**wish, idempotency_key="k3"))
    assert codes(late) == [("STALE_VERSION", ("input", "expectedVersion"))]


async def test_a_key_of_another_decision_is_refused(desk):
    await desk.stand(cus_1="a", cus_2="b", cus_3="c")
    await desk.merge("cus_1", "cus_2", key="k")
    payload = await desk.merge("cus_1", "cus_3", key="k")
    assert codes(payload) == [("KEY_REUSED", ("input", "idempotencyKey"))]
    assert await desk.members("cus_3") == "c"


async def test_another_steward_may_use_the_same_key(desk):
    await desk.stand(cus_1="a", cus_2="b", cus_3="c")
    await desk.merge("cus_1", "cus_2", key="k")
    other = Caller(name="other", scopes=frozenset({"customer:any", "staff"}))
    assert (await desk.merge("cus_1", "cus_3", key="k", caller=other)).user_errors == ()


async def test_links_are_decided_once(desk):
    await desk.stand(cus_1="a", cus_2="b", cus_3="c")
    one = await desk.link("a", "b", PENDING, 6.0)
    other = await desk.link("b", "c", PENDING, 6.0)
    for decide, link in ((desk.confirm, one), (desk.reject, other)):
        first = await decide(link)
        version = await desk.state.identities.version()
        again = await decide(link)
        assert again.customer_ids == first.customer_ids
        assert (again.event, again.user_errors) == (None, ())
        assert await desk.state.identities.version() == version


async def test_who_has_changed_since_is_named_and_nothing_is_done(desk):
    await desk.stand(cus_1="a", cus_2="b", cus_3="c", cus_4="d")
    stale = Merge(
        keep=await desk.seen("cus_1"),
        absorb=(await desk.seen("cus_2"), await desk.seen("cus_3"), Version("cus_none", 1)),
        reason="one",
        idempotency_key="k",
    )
    await desk.merge("cus_2", "cus_4")
    before = await desk.snapshot(), await desk.state.identities.version()
    assert codes(await desk.ask(stale)) == [
        ("STALE_VERSION", ("input", "absorb", "0", "expectedVersion")),
        ("UNKNOWN_CUSTOMER", ("input", "absorb", "2", "id")),
    ]
    assert (await desk.snapshot(), await desk.state.identities.version()) == before


async def test_customers_that_are_one_already_stay_as_they_are(desk):
    await desk.stand(cus_1="a", cus_2="b")
    await desk.merge("cus_1", "cus_2")
    payload = await desk.merge("cus_1", "cus_2")
    assert (payload.customer_ids, payload.event, payload.user_errors) == (("cus_1",), None, ())


@pytest.mark.parametrize(
    ("records", "problem"),
    [
        (("a", "b"), ("NOTHING_TO_DECIDE", ("input", "records"))),
        (("c",), ("UNKNOWN_RECORD", ("input", "records", "0"))),
        ((), ("INVALID", ("input", "records"))),
    ],
)
async def test_what_cannot_be_split_is_said(quick_desk, records, problem):
    await quick_desk.stand(cus_1="a b", cus_2="c")
    payload = await quick_desk.split("cus_1", " ".join(records))
    assert codes(payload) == [problem]


async def test_what_is_no_id_is_said_like_what_nobody_has(desk):
    wish = Merge(
        keep=Version("cus_\0", 1),
        absorb=(Version("nonsense", 1),),
        reason="one",
        idempotency_key="k",
    )
    assert [code for code, _ in codes(await desk.ask(wish))] == ["UNKNOWN_CUSTOMER"] * 2
    for link_id in ("nonsense", "link_", desk.key("a").node_id):
        payload = await decisions.confirm(desk.operation(), link_id, "why")
        assert codes(payload) == [("UNKNOWN_LINK", ("id",))]


async def test_a_decision_needs_a_reason_and_a_key(quick_desk):
    await quick_desk.stand(cus_1="a", cus_2="b")
    payload = await quick_desk.merge("cus_1", "cus_2", reason=" ", key=" ")
    assert codes(payload) == [
        ("INVALID", ("input", "reason")),
        ("INVALID", ("input", "idempotencyKey")),
    ]


async def test_a_decision_for_too_many_pairs_is_refused(quick_desk):
    many = " ".join(f"m{number}" for number in range(110))
    others = " ".join(f"n{number}" for number in range(100))
    await quick_desk.stand(cus_1=many, cus_2=others)
    assert [code for code, _ in codes(await quick_desk.merge("cus_1", "cus_2"))] == ["TOO_LARGE"]


@pytest.mark.parametrize("scopes", [set(), {"staff"}, {"customer:any"}])
async def test_only_staff_who_may_read_anybody_decide(quick_desk, scopes):
    await quick_desk.stand(cus_1="a", cus_2="b")
    caller = Caller(name="bot", scopes=frozenset(scopes))
    with pytest.raises(Forbidden):
        await quick_desk.merge("cus_1", "cus_2", caller=caller)
    assert len(await quick_desk.snapshot()) == 2


async def test_a_get_request_decides_nothing(quick_desk):
    await quick_desk.stand(cus_1="a b")
    link = await quick_desk.link("a", "b", AUTO, 12.0)
    with pytest.raises(Forbidden):
        await decisions.confirm(quick_desk.operation(read_only=True), link.id, "why")
