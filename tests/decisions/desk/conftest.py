"""A browser at the desk, in process."""

import re

import httpx
import pytest
from starlette.applications import Starlette

from domain.vocabulary import LinkStatus
from gateway.auth import Doorkeeper, new_token
from gateway.cache import MemoryCache
from gateway.config import Token
from gateway.desk.frame import Frame
from gateway.desk.routes import mounted
from gateway.desk.sessions import Sessions
from gateway.desk.visits import Desk as Pages
from gateway.guard import Guard

SCOPES = {
    "steward": ("customer:any", "staff", *(f"pii:{cls}" for cls in (
        "identity", "contact", "location", "content", "special"
    ))),
    "masked": ("customer:any", "staff"),
    "agent": ("customer:any", "pii:identity"),
}  # fmt: skip
TOKENS = {name: new_token(name, scopes) for name, scopes in SCOPES.items()}


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
def tokens():
    """By the names of SCOPES."""
    return TOKENS


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
    return await quick_desk.link("a", "b", LinkStatus.PENDING, 5.5)
