"""What is decided by forms of the desk, and what is refused."""

import re

import httpx
import pytest

from domain.customer import IdentityEvent
from domain.records import Actor
from domain.vocabulary import ActorKind, IdentityEventKind, LinkStatus

PENDING, REJECTED = LinkStatus.PENDING, LinkStatus.REJECTED


async def decide(browser, link, decision, reason="they told us"):
    path = f"/desk/review/{link.id}"
    await browser.see(path)
    return await browser.send(path, decision=decision, reason=reason)


async def test_confirming_merges_says_so_and_can_be_taken_back(browser, quick_desk, waiting):
    before = await quick_desk.snapshot()
    await browser.sign_in()
    await decide(browser, waiting, "confirm")
    assert browser.page.url.path == "/desk/review"
    assert "Confirmed: one person. cus_1" in browser.text
    assert "Nothing waits" in browser.text
    assert await quick_desk.members("cus_1") == "a b c"
    await browser.send("/desk/undo")
    assert "They are two customers now, and stay so." in browser.text
    assert await quick_desk.snapshot() == before
    await browser.send("/desk/undo")
    assert await quick_desk.members("cus_2") == "a b c"


async def test_rejecting_keeps_two_apart_and_can_be_taken_back(browser, quick_desk, waiting):
    await browser.sign_in()
    await decide(browser, waiting, "reject")
    assert "Rejected: two people" in browser.text
    assert await quick_desk.statuses("a-b") == [REJECTED]
    await browser.send(f"/desk/review/{waiting.id}")
    assert "the pair is open again" in browser.text
    assert await quick_desk.statuses("a-b") == [PENDING]
    assert "1 pair of records waits" in browser.text


async def test_a_decision_is_written_with_the_name_of_the_token(browser, quick_desk, waiting):
    await browser.sign_in()
    await decide(browser, waiting, "reject", reason="two passports")
    (event, *_) = await quick_desk.state.decisions.history("cus_1", 10, None)
    assert (event.by.id, event.reason) == ("steward", "two passports")
    await browser.see("/desk/customers/cus_1")
    assert "Rejected" in browser.text
    assert "two passports" in browser.text


async def test_a_customer_that_changed_meanwhile_is_not_decided_on(browser, quick_desk, waiting):
    await browser.sign_in()
    path = f"/desk/review/{waiting.id}"
    await browser.see(path)
    await quick_desk.split("cus_2", "c")
    await browser.send(path, decision="confirm", reason="they told us")
    assert browser.page.status_code == 409
    assert "Nothing was decided" in browser.text
    assert "Somebody changed this customer" in browser.text
    assert 'value="they told us"' in browser.page.text
    assert await quick_desk.statuses("a-b") == [PENDING]
    await browser.send(path, decision="confirm", reason="still")
    assert browser.page.status_code == 200
    assert await quick_desk.members("cus_1") == "a b"


async def test_a_form_sent_twice_is_decided_once(browser, quick_desk, waiting):
    await browser.sign_in()
    path = f"/desk/review/{waiting.id}"
    await browser.see(path)
    fields = [*((k, v) for k, some in browser.fields(path).items() for v in some)]
    fields += [("decision", "confirm"), ("reason", "twice")]
    await browser.post(path, fields)
    await browser.post(path, fields)
    assert browser.page.status_code == 200
    assert "nothing had to change" in browser.text
    assert len(await quick_desk.state.decisions.history("cus_1", 10, None)) == 1


async def test_without_a_reason_nothing_is_decided(browser, quick_desk, waiting):
    await browser.sign_in()
    await decide(browser, waiting, "confirm", reason=" ")
    assert browser.page.status_code == 409
    assert "a reason of at most" in browser.text.lower()
    assert await quick_desk.statuses("a-b") == [PENDING]


@pytest.mark.parametrize(
    ("csrf", "forged"),
    [
        pytest.param(None, ({}, 403), id="no secret"),
        pytest.param("made up", ({}, 403), id="another secret"),
        pytest.param("", ({}, 403), id="an empty secret"),
        pytest.param("own", ({"sec-fetch-site": "cross-site"}, 403), id="from another site"),
        pytest.param("own", ({"sec-fetch-site": "same-site"}, 403), id="from a sibling site"),
        pytest.param("own", ({"content-type": "text/plain"}, 415), id="of another kind"),
        pytest.param("own", ({"content-type": "multipart/form-data"}, 415), id="in parts"),
    ],
)
async def test_a_form_that_is_not_of_this_page_decides_nothing(
    browser, quick_desk, waiting, csrf, forged
):
    headers, status = forged
    await browser.sign_in()
    path = f"/desk/review/{waiting.id}"
    await browser.see(path)
    fields = {"decision": "confirm", "reason": "forged"}
    if csrf is not None:
        fields["csrf"] = browser.fields(path)["csrf"][0] if csrf == "own" else csrf
    kind = {"content-type": "application/x-www-form-urlencoded"}
    body = str(httpx.QueryParams(fields))
    answer = await browser.http.post(path, content=body, headers={**kind, **headers})
    assert answer.status_code == status
    assert await quick_desk.statuses("a-b") == [PENDING]


async def test_a_form_of_another_session_decides_nothing(browser, quick_desk, waiting):
    await browser.sign_in("masked")
    path = f"/desk/review/{waiting.id}"
    await browser.see(path)
    theirs = browser.fields(path)["csrf"][0]
    browser.http.cookies.clear()
    await browser.sign_in("steward")
    await browser.post(path, [("csrf", theirs), ("decision", "confirm"), ("reason", "x")])
    assert browser.page.status_code == 403
    assert await quick_desk.statuses("a-b") == [PENDING]


@pytest.mark.parametrize("size", [200_000, 600])
async def test_a_form_beyond_any_of_ours_is_refused(browser, waiting, size):
    await browser.sign_in()
    fields = [("x", "y" * size)] if size > 1_000 else [(f"x{n}", "") for n in range(size)]
    await browser.post(f"/desk/review/{waiting.id}", fields)
    assert browser.page.status_code == 413


async def test_ticked_records_are_split_off_and_stay_apart(browser, quick_desk):
    await quick_desk.stand(cus_1="a b c")
    await browser.sign_in()
    await browser.see("/desk/customers/cus_1")
    ticked = [quick_desk.key(text).node_id for text in "bc"]
    path = "/desk/customers/cus_1/split"
    await browser.send(path, record=ticked, reason="two people", **{"never-relink": "yes"})
    assert "They are two customers now" in browser.text
    assert await quick_desk.statuses("a-b", "a-c", "b-c") == [REJECTED, REJECTED, None]
    await browser.send("/desk/undo")
    assert len(await quick_desk.snapshot()) == 1


async def test_a_split_of_nothing_or_of_all_is_refused_with_what_was_ticked(browser, quick_desk):
    await quick_desk.stand(cus_1="a b")
    await browser.sign_in()
    await browser.see("/desk/customers/cus_1")
    path = "/desk/customers/cus_1/split"
    await browser.send(path, reason="none ticked")
    assert browser.page.status_code == 409
    ticked = [quick_desk.key(text).node_id for text in "ab"]
    await browser.send(path, record=ticked, reason="all of them")
    assert browser.page.status_code == 409
    assert "Some records have to stay" in browser.text
    assert len(re.findall(r"data-line checked", browser.page.text)) == 2
    assert len(await quick_desk.snapshot()) == 1


async def test_two_customers_are_looked_at_and_merged_once(browser, quick_desk):
    await quick_desk.stand(cus_1="a", cus_2="b")
    await browser.sign_in()
    await browser.see("/desk/merge?keep=cus_2&absorb=cus_1")
    assert "2 records" in browser.text
    fields = [*((k, v) for k, some in browser.fields("/desk/merge").items() for v in some)]
    fields += [("reason", "one passport")]
    await browser.post("/desk/merge", fields)
    assert browser.page.url.path == "/desk/customers/cus_2"
    assert "They are one customer now." in browser.text
    await browser.post("/desk/merge", fields)
    assert browser.page.status_code == 200
    assert len(await quick_desk.state.decisions.history("cus_2", 10, None)) == 1


async def test_a_merge_of_what_changed_meanwhile_is_shown_as_it_is_now(browser, quick_desk):
    await quick_desk.stand(cus_1="a", cus_2="b", cus_3="c")
    await browser.sign_in()
    await browser.see("/desk/merge?keep=cus_1&absorb=cus_2")
    await quick_desk.merge("cus_2", "cus_3")
    await browser.send("/desk/merge", reason="one passport")
    assert browser.page.status_code == 409
    assert "3 records" in browser.text
    assert await quick_desk.members("cus_1") == "a"


async def test_only_the_last_decision_can_be_taken_back(browser, quick_desk, waiting):
    await quick_desk.stand(cus_4="d")
    await browser.sign_in()
    await decide(browser, waiting, "confirm")
    stale = browser.page
    await quick_desk.merge("cus_1", "cus_4")
    browser.page = stale
    await browser.send("/desk/undo")
    assert browser.page.status_code == 409
    assert await quick_desk.members("cus_1") == "a b c d"
    await browser.see("/desk/customers/cus_1")
    await browser.send("/desk/undo")
    assert await quick_desk.members("cus_1") == "a b c"


async def test_an_undo_sent_twice_is_done_once(browser, quick_desk, waiting):
    await browser.sign_in()
    await decide(browser, waiting, "confirm")
    fields = [*((k, v) for k, some in browser.fields("/desk/undo").items() for v in some)]
    await browser.post("/desk/undo", fields)
    await browser.post("/desk/undo", fields)
    assert browser.page.status_code == 200
    assert len(await quick_desk.state.decisions.history("cus_1", 10, None)) == 2


async def test_a_machines_join_is_for_a_split_and_not_for_an_undo(browser, quick_desk):
    joined = IdentityEvent(
        sequence=0,
        kind=IdentityEventKind.MERGED,
        before=("cus_1", "cus_2"),
        after=("cus_1",),
        by=Actor(kind=ActorKind.SYSTEM, id="identity"),
        at=quick_desk.clock.now(),
    )
    await quick_desk.stand(cus_1="a", cus_2="b")
    await quick_desk.publish({"cus_1": "a b"}, redirects={"cus_2": "cus_1"}, events=[joined])
    await browser.sign_in()
    await browser.see("/desk/customers/cus_1")
    assert "Merged cus_1 , cus_2" in browser.text
    assert "/desk/undo" not in browser.page.text
    assert "Split the ticked records off" in browser.text
