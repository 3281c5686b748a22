"""The desk over HTTP: who comes in, what is shown, what is decided, and what is refused."""

import re
from datetime import timedelta

import httpx
import pytest
from starlette.applications import Starlette

from domain.customer import IdentityEvent
from domain.records import Actor, Address
from domain.vocabulary import ActorKind, IdentityEventKind, LinkStatus
from gateway.auth import Doorkeeper, new_token
from gateway.cache import MemoryCache
from gateway.config import Token
from gateway.desk.frame import Frame
from gateway.desk.routes import mounted
from gateway.desk.sessions import COOKIE, LIFETIME, Sessions
from gateway.desk.visits import Desk as Pages
from gateway.guard import Guard

AUTO, PENDING = LinkStatus.AUTO, LinkStatus.PENDING
CONFIRMED, REJECTED = LinkStatus.CONFIRMED, LinkStatus.REJECTED
SCOPES = {
    "steward": ("customer:any", "staff", *(f"pii:{cls}" for cls in (
        "identity", "contact", "location", "content", "special"
    ))),
    "masked": ("customer:any", "staff"),
    "agent": ("customer:any", "pii:identity"),
}  # fmt: skip
TOKENS = {name: new_token(name, scopes) for name, scopes in SCOPES.items()}
HOSTILE = '<script>alert("1")</script>'


class Browser:
    """A browser as far as forms go: cookies, and the fields a form came with."""

    def __init__(self, http):
        self.http = http
        self.page = None

    async def see(self, path):
        self.page = await self.http.get(path, follow_redirects=True)
        return self.page.text

    async def sign_in(self, name="steward"):
        await self.see("/desk/review")
        assert self.page.url.path == "/desk/sign-in"
        return await self.send("/desk/sign-in", token=TOKENS[name].token)

    async def send(self, action, **said):
        """The form of this action on the page, filled in."""
        fields = {**self.fields(action), **said}
        sent = [
            (k, v)
            for k, some in fields.items()
            for v in (some if isinstance(some, list) else [some])
        ]
        return await self.post(action, sent)

    async def post(self, action, fields):
        self.page = await self.http.post(
            action,
            content=str(httpx.QueryParams(fields)),
            headers={"content-type": "application/x-www-form-urlencoded"},
            follow_redirects=True,
        )
        return self.page.text

    def fields(self, action):
        forms = re.findall(r"<form[^>]*>.*?</form>", self.page.text, re.S)
        (form, *_) = [one for one in forms if f'action="{action}"' in one]
        found = {}
        for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form):
            found.setdefault(name, []).append(value)
        return found

    @property
    def text(self):
        """What a person reads."""
        body = re.sub(r"<(script|style|dialog)\b.*?</\1>", "", self.page.text, flags=re.S)
        return " ".join(re.sub(r"<[^>]+>", " ", body).split())


@pytest.fixture
def cache(clock):
    return MemoryCache(100_000, lambda: clock.now().timestamp())


@pytest.fixture
def app(quick_desk, cache):
    known = [Token(**token.table) for token in TOKENS.values()]
    door = Doorkeeper(known, frozenset(SCOPES["steward"]))
    pages = Pages(
        frame=Frame(thresholds=(3.0, 9.0)),
        sessions=Sessions(cache, door, secure=False),
        new_operation=lambda caller, _s, read_only: quick_desk.operation(
            caller, read_only=read_only
        ),
        deadline_s=30.0,
    )
    inner = Starlette(routes=[mounted(pages, thresholds=(3.0, 9.0), without_token=True)])
    return Guard(inner)


@pytest.fixture
async def browser(app):
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        yield Browser(http)


@pytest.fixture
async def waiting(quick_desk):
    """Two customers with a link between them that waits."""
    await quick_desk.stand(cus_1="a", cus_2="b c")
    return await quick_desk.link("a", "b", PENDING, 5.5)


# ---------------------------------------------------------------- coming in


async def test_nothing_is_shown_to_who_has_not_signed_in(browser, waiting):
    for path in ("/desk/review", f"/desk/review/{waiting.id}", "/desk/customers/cus_1", "/desk/x"):
        answer = await browser.http.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/desk/sign-in?next={path}"
        assert "Person" not in answer.text


async def test_a_token_is_exchanged_for_a_cookie_that_no_script_and_no_other_site_gets(browser):
    await browser.sign_in()
    assert browser.page.url.path == "/desk/review"
    (answer,) = [one for one in browser.page.history if one.request.method == "POST"]
    given = [one for one in answer.headers.get_list("set-cookie") if one.startswith(COOKIE + "=")]
    assert len(given) == 1
    for flag in ("HttpOnly", "Path=/desk", "SameSite=strict"):
        assert flag in given[0]
    assert TOKENS["steward"].token not in given[0]


async def test_a_page_behind_the_sign_in_is_gone_on_to_and_no_other_site(browser, waiting):
    for asked, led in (
        (f"/desk/review/{waiting.id}", f"/desk/review/{waiting.id}"),
        ("https://elsewhere.example/", "/desk/review"),
        ("//elsewhere.example", "/desk/review"),
        ("/desk//elsewhere.example", "/desk/review"),
        ("/desk/\\elsewhere.example", "/desk/review"),
    ):
        browser.http.cookies.clear()
        await browser.see(f"/desk/sign-in?{httpx.QueryParams({'next': asked})}")
        await browser.send("/desk/sign-in", token=TOKENS["steward"].token)
        assert browser.page.url.path == led


async def test_a_token_nobody_knows_or_without_the_scopes_does_not_come_in(browser):
    await browser.see("/desk/sign-in")
    assert "not known" in await browser.send("/desk/sign-in", token="kn_wrong")
    assert browser.page.status_code == 401
    assert "staff" in await browser.send("/desk/sign-in", token=TOKENS["agent"].token)
    assert browser.page.status_code == 403
    assert COOKIE not in browser.http.cookies


async def test_a_sign_in_form_of_another_site_is_refused(browser):
    await browser.see("/desk/sign-in")
    fields = [("csrf", "made up"), ("token", TOKENS["steward"].token)]
    await browser.post("/desk/sign-in", fields)
    assert browser.page.status_code == 403
    browser.http.cookies.clear()
    await browser.post("/desk/sign-in", [("csrf", ""), ("token", TOKENS["steward"].token)])
    assert browser.page.status_code == 403


async def test_on_this_machine_a_token_may_be_left_out_where_the_configuration_says_so(browser):
    await browser.see("/desk/sign-in")
    await browser.send("/desk/sign-in", without="yes")
    assert browser.page.url.path == "/desk/review"
    elsewhere = await browser.http.get("/desk/review", headers={"host": "rebound.example"})
    assert elsewhere.status_code == 303


async def test_signing_out_ends_the_session_for_every_copy_of_the_cookie(browser):
    await browser.sign_in()
    copy = f"{COOKIE}={browser.http.cookies.get(COOKIE)}"
    await browser.send("/desk/sign-out")
    assert browser.page.url.path == "/desk/sign-in"
    answer = await browser.http.get("/desk/review", headers={"cookie": copy})
    assert answer.status_code == 303


async def test_a_session_ends_by_itself(browser, clock):
    await browser.sign_in()
    clock.advance(LIFETIME - timedelta(seconds=1))
    assert (await browser.http.get("/desk/review")).status_code == 200
    clock.advance(timedelta(seconds=2))
    assert (await browser.http.get("/desk/review")).status_code == 303


async def test_a_token_that_is_taken_out_of_the_configuration_ends_its_sessions(
    browser, app, quick_desk, cache
):
    await browser.sign_in()
    fewer = Doorkeeper([Token(**TOKENS["masked"].table)], None)
    sessions = Sessions(cache, fewer, secure=True)
    pages = Pages(
        frame=Frame(thresholds=(3.0, 9.0)),
        sessions=sessions,
        new_operation=lambda caller, _s, read_only: quick_desk.operation(
            caller, read_only=read_only
        ),
        deadline_s=30.0,
    )
    later = Starlette(routes=[mounted(pages, thresholds=(3.0, 9.0), without_token=False)])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=later),
        base_url="https://desk.example",
        cookies=dict(browser.http.cookies),
    ) as http:
        assert (await http.get("/desk/review")).status_code == 303
        shown = await http.get("/desk/sign-in")
        assert "Continue without" not in shown.text
        assert "Secure" in shown.headers["set-cookie"]


# ---------------------------------------------------------------- what is shown


async def test_the_queue_shows_what_waits_with_one_sentence_each(browser, waiting):
    await browser.sign_in()
    assert "1 pair of records waits" in browser.text
    assert "Person a crm Person b crm Perhaps one person." in browser.text
    assert "+5.5" in browser.text
    assert f'href="/desk/review/{waiting.id}"' in browser.page.text


async def test_the_queue_has_pages(browser, quick_desk):
    await quick_desk.stand(cus_1="a", **{f"cus_2{n}": f"b{n}" for n in range(22)})
    for n in range(22):
        await quick_desk.link("a", f"b{n}", PENDING, 4.0 + n / 10)
    await browser.sign_in()
    (following,) = re.findall(r'href="(/desk/review\?after=[^"]+)"', browser.page.text)
    await browser.see(following)
    assert browser.page.text.count('class="line"') == 2
    assert "First page" in browser.text
    assert (await browser.http.get("/desk/review?after=x")).status_code == 400


async def test_a_pair_shows_both_records_and_the_evidence_adds_up(browser, quick_desk):
    home = Address(street="3 Chapel Lane", city="Norwich", country="GB")
    ada = quick_desk.contact(
        "crm:1", full_name="Ada Byron", emails=("ada@example.com",), address=home
    )
    other = quick_desk.contact(
        "chat:2", full_name="Byron Ada", emails=("ada@example.com",), phones=("07700 900123",)
    )
    await quick_desk.store([ada, other])
    await quick_desk.resolve()
    ((link,),) = await quick_desk.people.links([await quick_desk.owner("crm:1")])
    await browser.sign_in()
    await browser.see(f"/desk/review/{link.id}")
    assert "ada@example.com ada@example.com same" in browser.text
    assert "Byron Ada Ada Byron same" in browser.text
    assert "Address not said 3 Chapel Lane, Norwich, GB" in browser.text
    rows = re.findall(r'class="number">([^<]+)<', browser.page.text)
    *steps, total = [float(text.replace("\N{MINUS SIGN}", "-")) for text in rows]
    assert total == pytest.approx(link.match_weight, abs=0.05)
    assert sum(steps) == pytest.approx(total, abs=0.05 * len(rows))


async def test_who_may_not_see_personal_data_sees_the_masks_of_the_graph(browser, quick_desk):
    ada = quick_desk.contact("crm:1", full_name="Ada Byron", emails=("ada@example.com",))
    other = quick_desk.contact("chat:2", full_name="Ada Byron", phones=("07700 900123",))
    await quick_desk.store([ada, other])
    await quick_desk.publish({"cus_1": "crm:1", "cus_2": "chat:2"})
    link = await quick_desk.link("crm:1", "chat:2", PENDING, 4.0)
    await browser.sign_in("masked")
    for path in ("/desk/review", f"/desk/review/{link.id}", "/desk/customers/cus_1"):
        shown = await browser.see(path)
        assert "A. B." in shown
        for secret in ("Ada", "Byron", "ada@", "900123", "900 123"):
            assert secret not in shown
    assert "a***@e***.com" in shown


async def test_text_of_records_and_reasons_cannot_become_a_part_of_the_page(browser, quick_desk):
    one = quick_desk.contact("crm:1", full_name=HOSTILE, emails=(f"{HOSTILE}@example.com",))
    hostile = HOSTILE.replace(" ", "")
    other = quick_desk.contact(f"chat:{hostile}", full_name="B", company=HOSTILE)
    await quick_desk.store([one, other])
    await quick_desk.publish({"cus_1": "crm:1", "cus_2": f"chat:{hostile}"})
    link = await quick_desk.link("crm:1", f"chat:{hostile}", PENDING, 4.0)
    await browser.sign_in()
    await browser.see(f"/desk/review/{link.id}")
    await browser.send(f"/desk/review/{link.id}", decision="reject", reason=HOSTILE)
    for path in (
        "/desk/review",
        f"/desk/review/{link.id}",
        "/desk/customers/cus_1",
        "/desk/customers/cus_2",
        f"/desk/customers?find={HOSTILE}",
        f"/desk/merge?keep={HOSTILE}&absorb=cus_1",
        f"/desk/{HOSTILE}",
    ):
        shown = await browser.see(path)
        assert "<script>alert" not in shown
    assert "&lt;script&gt;" in await browser.see(f"/desk/review/{link.id}")


async def test_no_page_can_run_or_load_what_is_not_of_this_server_and_none_is_kept(
    browser, waiting
):
    await browser.sign_in()
    pages = ["/desk/review", f"/desk/review/{waiting.id}", "/desk/customers/cus_2", "/desk/nowhere"]
    for path in pages:
        shown = await browser.see(path)
        policy = browser.page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert browser.page.headers["cache-control"] == "no-store"
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|https?://", shown)
        assert re.findall(r"<script[^>]*>", shown) == ['<script src="/desk/assets/desk.js" defer>']
    for asset in ("desk.css", "desk.js"):
        assert (await browser.http.get(f"/desk/assets/{asset}")).status_code == 200
    assert (await browser.http.get("/desk/assets/../frame.py")).status_code in {303, 404}


async def test_what_is_not_there_is_said_to_be_so(browser, waiting):
    await browser.sign_in()
    for path in ("/desk/review/link_x", "/desk/customers/cus_9", "/desk/nowhere"):
        await browser.see(path)
        assert browser.page.status_code == 404
        assert "There is no such" in browser.text or "Nobody has" in browser.text


async def test_customers_are_found_by_words_and_by_ids(browser, quick_desk):
    await quick_desk.store([quick_desk.contact("crm:1", full_name="Ada Byron")])
    await quick_desk.publish({"cus_1": "crm:1"})
    await browser.sign_in()
    for text in ("byr ada", "cus_1"):
        assert "Ada Byron" in await browser.see(f"/desk/customers?find={text}")
    await browser.see("/desk/customers?find=nobody")
    assert "Nobody stored here" in browser.text


# ---------------------------------------------------------------- what is decided


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
