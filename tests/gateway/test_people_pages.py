"""The pages of a customer: found, seen whole or in part, handed over, and masked."""

import re

import httpx
import pytest
from starlette.applications import Starlette

from domain.errors import SourceUnavailable
from domain.events import Tried
from domain.ids import CustomerId, Kind, SourceKey
from domain.records import Actor, Call, Message
from domain.vocabulary import ActorKind, InteractionState, TicketStatus
from gateway.auth import Doorkeeper, new_token
from gateway.cache import MemoryCache
from gateway.config import Token
from gateway.desk.frame import Frame
from gateway.desk.routes import mounted
from gateway.desk.sessions import Sessions
from gateway.desk.visits import Desk
from gateway.guard import Guard

CLASSES = ("identity", "contact", "content", "financial", "location", "special")
TOKENS = {
    "desk": new_token("desk", ["customer:any", "staff", *(f"pii:{one}" for one in CLASSES)]),
    "masked": new_token("masked", ["customer:any", "staff"]),
}
BOT = Actor(kind=ActorKind.AI, id="bot")
HOSTILE = '<img src=x onerror="alert(1)"> where is my parcel?'


@pytest.fixture
def world(fixture_module, told_events):
    """Alice, who is on the telephone about an order while a ticket about it is open."""
    fakes = fixture_module("world")
    world = fakes.World()
    world.events = told_events
    world.handoffs = fixture_module("told").FakeHandoffs()
    world.alice()
    world.order("s1", "o9", fakes.ago(days=9), number="1042")
    world.ticket("z1", "t9", fakes.ago(days=2), subject="Re: #1042", status=TicketStatus.OPEN)
    at, key = fakes.ago(minutes=3), SourceKey("crm", Kind.CALL, "k1")
    where = world.provenance("crm", "k1")
    said = Message(
        key=SourceKey("crm", Kind.MESSAGE, "k1/1"),
        provenance=where,
        at=at,
        author=Actor(kind=ActorKind.CUSTOMER, id="h1"),
        body=HOSTILE,
    )
    tried = Tried(step="restart", by=BOT, at=at, outcome="FAILED", evidence=(key.node_id,))
    world.events.put(
        Call(key=key, provenance=where, occurred_at=at, state=InteractionState.IN_PROGRESS),
        SourceKey("crm", Kind.CONTACT, "h1"),
        order_number="1042",
        messages=(said,),
        attempts=(tried,),
        last_at=at,
    )
    world.identity.words["alice"] = [CustomerId("cus_alice")]
    return world


class Browser:
    """Cookies, and the fields a form came with."""

    def __init__(self, http):
        self.http = http
        self.page = None

    async def see(self, path):
        self.page = await self.http.get(path, follow_redirects=True)
        return self.page.text

    async def send(self, action, **said):
        forms = re.findall(r"<form[^>]*>.*?</form>", self.page.text, re.S)
        (form, *_) = [one for one in forms if f'action="{action}"' in one]
        fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
        self.page = await self.http.post(
            action,
            content=str(httpx.QueryParams({**fields, **said})),
            headers={"content-type": "application/x-www-form-urlencoded"},
            follow_redirects=True,
        )
        return self.page.text


@pytest.fixture
async def browser(world, request):
    known = [Token(**token.table) for token in TOKENS.values()]
    door = Doorkeeper(known, None)
    pages = Desk(
        frame=Frame(thresholds=(3.0, 9.0)),
        sessions=Sessions(MemoryCache(100_000), door, secure=False),
        new_operation=lambda caller, _s, read_only: world.operation(caller, read_only=read_only),
        deadline_s=30.0,
    )
    app = Guard(Starlette(routes=[mounted(pages, thresholds=(3.0, 9.0), without_token=False)]))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        found = Browser(http)
        await found.see("/desk/sign-in")
        await found.send("/desk/sign-in", token=TOKENS[getattr(request, "param", "desk")].token)
        yield found


async def test_a_person_is_found_and_seen_whole(browser):
    assert "/desk/people/cus_alice" in await browser.see("/desk/people?find=alice")
    text = await browser.see("/desk/people/cus_alice")
    assert browser.page.status_code == 200
    assert "Alice Example" in text
    assert "Every system answered." in text
    assert text.count("in progress") >= 1
    assert "together by order" in text
    assert "restart" in text
    assert "No need to ask" in text


async def test_words_of_customers_are_text_and_never_markup(browser):
    text = await browser.see("/desk/people/cus_alice")
    assert "<img" not in text
    assert "&lt;img" in text


async def test_a_dead_desk_is_told_and_the_rest_is_there(browser, world):
    world["desk"].broken[Kind.TICKET] = SourceUnavailable("desk", "503")
    text = await browser.see("/desk/people/cus_alice")
    assert "<b>Partial</b>" in text or "<b>PARTIAL</b>" in text
    assert "desk unavailable" in text
    assert "Alice Example" in text


async def test_nobody_is_a_page_that_says_so(browser):
    assert "not for you to see" in await browser.see("/desk/people/cus_nobody")
    assert browser.page.status_code == 404


async def test_a_matter_is_handed_over_taken_and_ended(browser):
    await browser.see("/desk/people/cus_alice")
    text = await browser.send("/desk/people/cus_alice/handoff", to="team 2", reason="needs tools")
    path = browser.page.url.path
    assert path.startswith("/desk/handoffs/handoff_")
    assert "needs tools" in text
    assert "Nobody has accepted it yet." in text
    assert "Do not ask again" in text
    text = await browser.send(f"{path}/accept")
    assert "Accepted" in text
    assert "Ended" in await browser.send(f"{path}/end")


async def test_a_handoff_without_a_reason_is_refused_on_the_page(browser):
    await browser.see("/desk/people/cus_alice")
    text = await browser.send("/desk/people/cus_alice/handoff", reason=" ")
    assert browser.page.status_code == 409
    assert "Reason: 1 to" in text


@pytest.mark.parametrize("browser", ["masked"], indirect=True)
async def test_who_may_not_see_words_sees_that_there_are_some(browser):
    text = await browser.see("/desk/people/cus_alice")
    assert "parcel" not in text
    assert "Alice Example" not in text
    assert "***" in text


async def test_pages_of_people_need_a_session(browser):
    browser.http.cookies.clear()
    await browser.see("/desk/people/cus_alice")
    assert browser.page.url.path == "/desk/sign-in"
