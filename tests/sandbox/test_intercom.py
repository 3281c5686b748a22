"""The emulated Intercom API: who may ask, how much at once, what is found, what replies do."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.allowance import Allowance
from sandbox.faults import Fault, FaultKind
from sandbox.gate import Gate
from sandbox.intercom import APP_ALLOWANCE, TOKEN, VENDOR, build
from sandbox.intercom.errors import IntercomDialect
from sandbox.rows import ChatAdmin, ChatContact, Conversation, Part
from sandbox.world import World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def unix(moment: datetime) -> int:
    return int(moment.timestamp())


def rule(name: str, operator: str, value: object) -> dict[str, object]:
    return {"field": name, "operator": operator, "value": value}


def group(operator: str, *parts: object) -> dict[str, object]:
    return {"operator": operator, "value": list(parts)}


@dataclass
class Chat:
    """A client of the emulator over one world."""

    world: World
    client: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {TOKEN}"})

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        return await self.client.request(method, path, json=body, headers=self.headers)

    async def search(self, kind: str, query: object, **more: object) -> dict[str, Any]:
        response = await self.ask("POST", f"/{kind}/search", {"query": query, **more})
        assert response.status_code == 200, response.text
        return response.json()

    async def names(self, query: object, **more: object) -> list[str]:
        return [row["name"] for row in (await self.search("contacts", query, **more))["data"]]

    async def threads(self, query: object, **more: object) -> list[str]:
        found = (await self.search("conversations", query, **more))["conversations"]
        return [row["title"] for row in found]

    async def refusal(self, kind: str, body: object) -> tuple[int, str]:
        response = await self.ask("POST", f"/{kind}/search", body)
        return response.status_code, _code(response)


def _code(response: httpx.Response) -> str:
    body = response.json()
    assert body["type"] == "error.list"
    assert body["request_id"]
    (error,) = body["errors"]
    assert error["message"]
    return error["code"]


@pytest.fixture
def world(clock: Any) -> World:
    clock.set(NOON + 30 * DAY)
    world = World(clock=clock.now)
    world.chat_admins["814861"] = ChatAdmin(id="814861", name="Ada", email="ada@support.example")
    return world


@pytest.fixture
async def chat(world: World) -> AsyncIterator[Chat]:
    async with _client(world) as client:
        yield Chat(world, client)


def _client(world: World, allowance: Allowance = APP_ALLOWANCE) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=build(world, allowance=allowance))
    return httpx.AsyncClient(transport=transport, base_url="http://chat")


def _contact(world: World, name: str, **values: Any) -> ChatContact:
    times = {"created_at": NOON, "updated_at": NOON}
    row = ChatContact(id=world.chat_contacts.next_id(), **{**times, "name": name, **values})
    return world.chat_contacts.add(row)


def _thread(world: World, title: str, contact: ChatContact, **values: Any) -> Conversation:
    defaults = {
        "created_at": NOON,
        "updated_at": NOON,
        "title": title,
        "contact_ids": (contact.id,),
        "state": "open",
        "source_id": world.part_id(),
        "source_body": "<p>Where is my <b>order</b>?</p>",
        "source_author_type": contact.role,
        "source_author_id": contact.id,
    }
    row = Conversation(id=world.conversations.next_id(), **{**defaults, **values})
    return world.conversations.add(row)


def _part(world: World, **values: Any) -> Part:
    defaults = {
        "part_type": "comment",
        "author_type": "admin",
        "author_id": "814861",
        "body": "<p>On its way.</p>",
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Part(id=world.part_id(), **{**defaults, **values})


# ---------------------------------------------------------------- who may ask, and how often


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}]
)
async def test_a_missing_or_wrong_token_is_unauthorized(
    chat: Chat, headers: dict[str, str]
) -> None:
    chat.headers = headers
    response = await chat.ask("POST", "/contacts/search", {})
    assert response.status_code == 401
    assert _code(response) == "unauthorized"


@pytest.mark.parametrize(("version", "status"), [("2.16", 200), ("2.9", 400), ("9.9", 400)])
async def test_only_the_emulated_version_is_served(chat: Chat, version: str, status: int) -> None:
    row = _contact(chat.world, "Ann")
    chat.headers["Intercom-Version"] = version
    response = await chat.ask("GET", f"/contacts/{row.id}")
    assert response.status_code == status
    assert response.headers["intercom-version"] == "2.16"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b"\xff"])
async def test_a_body_that_is_no_object_is_a_bad_request(chat: Chat, content: bytes) -> None:
    response = await chat.client.post("/contacts/search", content=content, headers=chat.headers)
    assert response.status_code == 400
    assert _code(response) == "bad_request"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("DELETE", "/contacts/search", 405), ("GET", "/", 404)],
)
async def test_an_unknown_path_or_method_is_refused_in_the_vendors_form(
    chat: Chat, method: str, path: str, status: int
) -> None:
    response = await chat.ask(method, path)
    assert response.status_code == status
    assert _code(response) == "not_found"


async def test_the_rate_limit_is_told_refused_and_restored_by_the_clock(
    world: World, clock: Any
) -> None:
    row = _contact(world, "Ann")
    async with _client(world, Allowance(requests=3, window_s=10)) as client:
        chat = Chat(world, client)
        answers = [await chat.ask("GET", f"/contacts/{row.id}") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [a.headers["x-ratelimit-remaining"] for a in answers] == ["2", "1", "0", "0"]
        assert _code(answers[3]) == "rate_limit_exceeded"
        assert answers[3].headers["x-ratelimit-limit"] == "3"
        reset = int(answers[3].headers["x-ratelimit-reset"])
        assert reset == unix(clock.now()) + 10
        clock.set(datetime.fromtimestamp(reset, UTC))
        assert (await chat.ask("GET", f"/contacts/{row.id}")).status_code == 200


async def test_a_fault_switch_answers_in_the_vendors_words(world: World) -> None:
    row = _contact(world, "Ann")
    gate = Gate(build(world), VENDOR.dialect)
    gate.faults.add(Fault(kind=FaultKind.RATE_LIMITED, retry_after_s=2, count=1))
    transport = httpx.ASGITransport(app=gate)
    async with httpx.AsyncClient(transport=transport, base_url="http://chat") as client:
        chat = Chat(world, client)
        refused, served = [await chat.ask("GET", f"/contacts/{row.id}") for _ in range(2)]
    assert (refused.status_code, _code(refused)) == (429, "rate_limit_exceeded")
    assert served.status_code == 200


def test_a_switched_on_rate_limit_says_when_to_come_back() -> None:
    answer = IntercomDialect(lambda: NOON).rate_limited(7)
    assert answer.status == 429
    assert int(answer.headers["X-RateLimit-Reset"]) == unix(NOON) + 7
    assert VENDOR.dialect.unauthorized().status == 401
    assert VENDOR.dialect.broken().body["errors"][0]["code"] == "server_error"


# ---------------------------------------------------------------- one contact


async def test_a_contact_is_shown_with_unix_seconds_and_without_the_truth(chat: Chat) -> None:
    row = _contact(
        chat.world, "Ann", email="ann@example.com", external_id="70", person_id="person-1"
    )
    response = await chat.ask("GET", f"/contacts/{row.id}")
    shown = response.json()
    assert (shown["id"], shown["email"], shown["created_at"]) == (row.id, row.email, unix(NOON))
    assert shown["email_domain"] == "example.com"
    assert "person" not in response.text
    found = await chat.ask("GET", "/contacts/find_by_external_id/70")
    assert found.json() == shown


async def test_external_ids_find_users_only(chat: Chat) -> None:
    _contact(chat.world, "Lead", role="lead", external_id="71")
    response = await chat.ask("GET", "/contacts/find_by_external_id/71")
    assert (response.status_code, _code(response)) == (404, "not_found")


async def test_a_merged_contact_is_gone_and_names_its_successor(chat: Chat) -> None:
    old = _contact(chat.world, "Old Ann", email="old@example.com")
    row = _contact(chat.world, "Ann", merged_ids=(old.id,))
    chat.world.chat_contacts.remove(old.id)
    response = await chat.ask("GET", f"/contacts/{old.id}")
    assert (response.status_code, _code(response)) == (410, "contact_merged")
    assert response.headers["link"] == f'</contacts/{row.id}>; rel="canonical"'
    assert await chat.names(rule("email", "=", "old@example.com")) == []


async def test_a_deleted_contact_is_not_found(chat: Chat) -> None:
    row = _contact(chat.world, "Ann")
    chat.world.chat_contacts.remove(row.id)
    response = await chat.ask("GET", f"/contacts/{row.id}")
    assert (response.status_code, _code(response)) == (404, "not_found")


async def test_an_update_changes_the_contact_and_its_time(chat: Chat, clock: Any) -> None:
    row = _contact(chat.world, "Ann", email="ann@example.com", phone="+44")
    changes = {"name": "Ann Low", "phone": None, "signed_up_at": unix(NOON)}
    shown = (await chat.ask("PUT", f"/contacts/{row.id}", changes)).json()
    assert (shown["name"], shown["phone"], shown["email"]) == ("Ann Low", None, "ann@example.com")
    assert shown["updated_at"] == unix(clock.now())
    assert shown["signed_up_at"] == unix(NOON)
    since = rule("updated_at", ">", unix(NOON))
    assert await chat.names(since) == ["Ann Low"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"name": 7}, 400),
        ({"role": "boss"}, 400),
        ({"signed_up_at": "yesterday"}, 400),
        ({"nickname": "x"}, 400),
        ({"email": "bob@example.com"}, 409),
        ({"external_id": "70"}, 409),
    ],
)
async def test_an_update_that_cannot_be_is_refused_and_changes_nothing(
    chat: Chat, changes: dict[str, object], status: int
) -> None:
    _contact(chat.world, "Bob", email="bob@example.com", external_id="70")
    row = _contact(chat.world, "Ann")
    response = await chat.ask("PUT", f"/contacts/{row.id}", changes)
    assert response.status_code == status
    _code(response)
    assert chat.world.chat_contacts.get(row.id) == row


# ---------------------------------------------------------------- searching contacts


@pytest.fixture
def people(chat: Chat) -> Chat:
    """Ann, Bob and Cara, made one day after the other; Bob is a lead without an e-mail."""
    world = chat.world
    _contact(world, "Ann", email="ann@example.com", external_id="1", country="Ireland")
    _contact(world, "Bob", role="lead", created_at=NOON + DAY, updated_at=NOON + DAY)
    later = NOON + 2 * DAY
    _contact(world, "Cara", email="cara@shop.example", created_at=later, updated_at=later)
    return chat


ASCENDING = {"field": "created_at", "order": "ascending"}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (rule("email", "=", "ANN@example.com"), ["Ann"]),
        (rule("email", "!=", "ann@example.com"), ["Bob", "Cara"]),
        (rule("email", "=", None), ["Bob"]),
        (rule("email", "!=", None), ["Ann", "Cara"]),
        (rule("email", "~", "@"), ["Ann", "Cara"]),
        (rule("email", "!~", "shop"), ["Ann", "Bob"]),
        (rule("name", "^", "b"), ["Bob"]),
        (rule("email", "$", ".com"), ["Ann"]),
        (rule("email_domain", "=", "shop.example"), ["Cara"]),
        (rule("name", "IN", ["Ann", "Cara", "Zoe"]), ["Ann", "Cara"]),
        (rule("name", "NIN", ["Ann"]), ["Bob", "Cara"]),
        (rule("role", "=", "lead"), ["Bob"]),
        (rule("location.country", "=", "Ireland"), ["Ann"]),
        (rule("has_hard_bounced", "=", False), ["Ann", "Bob", "Cara"]),
        (rule("unsubscribed_from_emails", "IN", [True]), []),
        (rule("browser", "=", "Chrome"), []),
        (rule("created_at", ">", unix(NOON)), ["Bob", "Cara"]),
        (rule("created_at", ">", str(unix(NOON - DAY))), ["Ann", "Bob", "Cara"]),
        (rule("created_at", ">", unix(NOON - timedelta(hours=6))), ["Bob", "Cara"]),
        (rule("created_at", "<", unix(NOON + DAY)), ["Ann"]),
        (rule("created_at", "<", unix(NOON + timedelta(hours=1))), []),
        (rule("created_at", "=", unix(NOON + timedelta(hours=11))), ["Ann"]),
        (rule("last_seen_at", "<", unix(NOON)), []),
        (group("AND", rule("name", "~", "a"), rule("email", "$", "example")), ["Cara"]),
        (group("OR", rule("name", "=", "Ann"), rule("role", "=", "lead")), ["Ann", "Bob"]),
        (
            group(
                "AND",
                group("OR", rule("name", "=", "Ann"), rule("name", "=", "Bob")),
                group("OR", rule("role", "=", "lead"), rule("role", "=", "admin")),
            ),
            ["Bob"],
        ),
    ],
)
async def test_contacts_are_found_by_operators_and_whole_days(
    people: Chat, query: object, names: list[str]
) -> None:
    assert await people.names(query, sort=ASCENDING) == names


async def test_contacts_are_found_by_many_ids_at_once(people: Chat) -> None:
    ids = [row.id for row in people.world.chat_contacts.live()]
    found = await people.search("contacts", rule("id", "IN", [*ids, "f" * 24]))
    assert found["total_count"] == 3
    each = group("OR", *(rule("id", "=", one) for one in ids[:2]))
    assert await people.names(each, sort=ASCENDING) == ["Ann", "Bob"]


_NAMED = rule("name", "=", "Ann")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "parameter_invalid"),
        ({"query": []}, "parameter_invalid"),
        ({"query": group("XOR", _NAMED)}, "parameter_invalid"),
        ({"query": group("AND")}, "parameter_invalid"),
        ({"query": group("AND", "x")}, "parameter_invalid"),
        ({"query": group("OR", *[_NAMED] * 16)}, "parameter_invalid"),
        ({"query": group("OR", group("OR", group("OR", _NAMED)))}, "parameter_invalid"),
        ({"query": {"field": "name", "operator": "="}}, "parameter_invalid"),
        ({"query": rule("nickname", "=", "x")}, "invalid_field"),
        ({"query": rule("name", ">", "x")}, "invalid_operator"),
        ({"query": rule("name", "is", "x")}, "invalid_operator"),
        ({"query": rule("created_at", ">=", 1)}, "invalid_operator"),
        ({"query": rule("created_at", "IN", [1])}, "invalid_operator"),
        ({"query": rule("tag_id", "IN", ["1"])}, "invalid_operator"),
        ({"query": rule("created_at", ">", "yesterday")}, "invalid_value"),
        ({"query": rule("created_at", ">", None)}, "invalid_value"),
        ({"query": rule("created_at", "=", True)}, "invalid_value"),
        ({"query": rule("name", "=", 7)}, "invalid_value"),
        ({"query": rule("has_hard_bounced", "=", "no")}, "invalid_value"),
        ({"query": rule("name", "IN", "Ann")}, "parameter_invalid"),
        ({"query": _NAMED, "pagination": {"per_page": 151}}, "parameter_invalid"),
        ({"query": _NAMED, "pagination": {"per_page": 0}}, "parameter_invalid"),
        ({"query": _NAMED, "pagination": {"per_page": "5"}}, "parameter_invalid"),
        ({"query": _NAMED, "pagination": {"starting_after": 5}}, "parameter_invalid"),
        ({"query": _NAMED, "pagination": {"starting_after": "nonsense"}}, "parameter_invalid"),
        ({"query": _NAMED, "pagination": []}, "parameter_invalid"),
        ({"query": _NAMED, "sort": {"field": "name", "order": "desc"}}, "invalid_sort_order"),
        ({"query": _NAMED, "sort": {"field": "nickname"}}, "invalid_field"),
        ({"query": _NAMED, "sort": "name"}, "parameter_invalid"),
    ],
)
async def test_a_search_beyond_the_documented_limits_is_refused(
    people: Chat, body: object, code: str
) -> None:
    assert await people.refusal("contacts", body) == (400, code)


async def test_fifteen_filters_and_two_levels_are_allowed(people: Chat) -> None:
    inner = group("OR", *(rule("name", "=", f"{number}") for number in range(14)), _NAMED)
    assert await people.names(group("AND", *[inner] * 15)) == ["Ann"]


# ---------------------------------------------------------------- pages


async def _pages(chat: Chat, kind: str, key: str, **asked: Any) -> list[list[str]]:
    """Ids page by page, until no page is next."""
    found: list[list[str]] = []
    after = None
    while len(found) < 50:
        pagination = {"per_page": asked["size"], "starting_after": after}
        query = asked.get("query", rule("updated_at", ">", 0))
        answer = await chat.search(kind, query, pagination=pagination, sort=asked.get("sort"))
        found.append([row["id"] for row in answer[key]])
        pages = answer["pages"]
        assert (pages["type"], pages["page"], pages["per_page"]) == (
            "pages",
            len(found),
            asked["size"],
        )
        assert pages["total_pages"] == -(-answer["total_count"] // asked["size"])
        if "next" not in pages:
            return found
        after = pages["next"]["starting_after"]
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("sort", ["updated_at", "name", "id", "last_seen_at"])
async def test_pages_end_and_hold_every_contact_once(chat: Chat, sort: str, order: str) -> None:
    made = [
        _contact(chat.world, f"C{at % 3}", updated_at=NOON + timedelta(seconds=at % 4)).id
        for at in range(11)
    ]
    asked = {"field": sort, "order": order}
    pages = await _pages(chat, "contacts", "data", size=4, sort=asked)
    assert [len(page) for page in pages] == [4, 4, 3]
    assert sorted(one for page in pages for one in page) == sorted(made)


async def test_a_full_last_page_names_no_next_one(people: Chat) -> None:
    assert [len(page) for page in await _pages(people, "contacts", "data", size=3)] == [3]
    empty = await people.search("contacts", rule("name", "=", "Zoe"))
    assert empty["data"] == []
    assert empty["pages"] == {"type": "pages", "page": 1, "per_page": 50, "total_pages": 0}


async def test_a_contact_made_between_two_pages_shifts_none(people: Chat) -> None:
    first = await people.search(
        "contacts", rule("created_at", ">", 0), pagination={"per_page": 2}, sort=ASCENDING
    )
    _contact(people.world, "Early", created_at=NOON - DAY)
    after = first["pages"]["next"]["starting_after"]
    pagination = {"per_page": 2, "starting_after": after}
    query = rule("created_at", ">", 0)
    assert await people.names(query, pagination=pagination, sort=ASCENDING) == ["Cara"]


async def test_usual_page_sizes_are_50_contacts_and_20_conversations(chat: Chat) -> None:
    ann = _contact(chat.world, "Ann")
    for number in range(60):
        _contact(chat.world, f"C{number}")
        _thread(chat.world, f"T{number}", ann)
    found = await chat.search("contacts", rule("name", "!=", None))
    assert (len(found["data"]), found["total_count"]) == (50, 61)
    found = await chat.search("conversations", rule("contact_ids", "=", ann.id))
    assert (len(found["conversations"]), found["total_count"]) == (20, 60)
    whole = {"per_page": 150}
    found = await chat.search("contacts", rule("name", "!=", None), pagination=whole)
    assert len(found["data"]) == 61


# ---------------------------------------------------------------- conversations


@pytest.fixture
def threads(chat: Chat) -> Chat:
    """Three conversations: two of Ann's, one of Bob's, an hour between their last changes."""
    world = chat.world
    ann, bob = _contact(world, "Ann", email="ann@example.com"), _contact(world, "Bob", role="lead")
    _thread(world, "first", ann, state="closed", tags=("delivery",))
    _thread(
        world,
        "second",
        ann,
        updated_at=NOON + timedelta(hours=1),
        source_type="email",
        source_subject="Late",
        admin_assignee_id="814861",
        parts=(_part(world), _part(world, author_type="user", author_id=ann.id)),
    )
    _thread(world, "third", bob, updated_at=NOON + timedelta(hours=2), source_body="<p>Hello</p>")
    return chat


BY_CHANGE = {"field": "updated_at", "order": "ascending"}


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        (rule("state", "=", "closed"), ["first"]),
        (rule("open", "=", True), ["second", "third"]),
        (rule("source.type", "=", "email"), ["second"]),
        (rule("source.subject", "^", "la"), ["second"]),
        (rule("source.body", "=", "order"), ["first", "second"]),
        (rule("source.body", "=", "my order"), []),
        (rule("source.author.email", "=", "ann@example.com"), ["first", "second"]),
        (rule("source.author.name", "=", "Bob"), ["third"]),
        (rule("admin_assignee_id", "=", 814861), ["second"]),
        (rule("admin_assignee_id", "=", "0"), ["first", "third"]),
        (rule("admin_assignee_id", ">", 0), ["first", "second", "third"]),
        (rule("teammate_ids", "=", "814861"), ["second"]),
        (rule("statistics.count_conversation_parts", ">", 2), ["second"]),
        (rule("statistics.last_contact_reply_at", ">", unix(NOON)), ["second"]),
        (rule("conversation_rating.remark", "!=", None), []),
        (rule("updated_at", ">", unix(NOON) + 1), ["second", "third"]),
        (rule("updated_at", ">", unix(NOON) + 3600), ["second", "third"]),
        (rule("updated_at", ">", unix(NOON) + 3601), ["third"]),
        (rule("updated_at", "<", unix(NOON) + 3600), ["first", "second"]),
        (rule("updated_at", "=", unix(NOON)), ["first"]),
        (rule("updated_at", "IN", [unix(NOON), 5]), ["first"]),
        (rule("updated_at", "!=", unix(NOON)), ["second", "third"]),
        (rule("waiting_since", "=", None), ["first", "second", "third"]),
    ],
)
async def test_conversations_are_found_by_operators_and_seconds(
    threads: Chat, query: object, titles: list[str]
) -> None:
    assert await threads.threads(query, sort=BY_CHANGE) == titles


async def test_conversations_of_several_contacts_come_in_one_search(threads: Chat) -> None:
    ann, bob = threads.world.chat_contacts.live()
    query = rule("contact_ids", "IN", [ann.id, bob.id])
    assert await threads.threads(query, sort=BY_CHANGE) == ["first", "second", "third"]
    assert await threads.threads(rule("contact_ids", "=", bob.id)) == ["third"]
    assert await threads.threads(rule("contact_ids", "!=", ann.id)) == ["third"]
    tag = (await threads.search("conversations", rule("state", "=", "closed")))["conversations"]
    tagged = rule("tag_ids", "=", tag[0]["tags"]["tags"][0]["id"])
    assert await threads.threads(tagged) == ["first"]


async def test_conversations_refuse_operators_of_the_contact_search(threads: Chat) -> None:
    for body in ({"query": rule("updated_at", ">=", 1)}, {"query": rule("state", ">", "open")}):
        assert await threads.refusal("conversations", body) == (400, "invalid_operator")


async def test_listed_conversations_have_no_parts_and_whole_ones_do(threads: Chat) -> None:
    found = await threads.search("conversations", rule("source.type", "=", "email"))
    (listed,) = found["conversations"]
    assert "conversation_parts" not in listed
    whole = (await threads.ask("GET", f"/conversations/{listed['id']}")).json()
    parts = whole.pop("conversation_parts")
    assert whole == listed
    assert parts["total_count"] == 2
    first, second = parts["conversation_parts"]
    assert first["author"] == {
        "type": "admin",
        "id": "814861",
        "name": "Ada",
        "email": "ada@support.example",
    }
    assert second["author"]["email"] == "ann@example.com"
    assert listed["source"]["author"]["name"] == "Ann"
    assert listed["contacts"]["contacts"][0]["id"] == second["author"]["id"]
    assert listed["teammates"]["teammates"] == [{"type": "admin", "id": "814861"}]


async def test_only_the_500_latest_parts_are_shown(chat: Chat) -> None:
    parts = tuple(_part(chat.world, body=f"<p>{number}</p>") for number in range(501))
    row = _thread(chat.world, "long", _contact(chat.world, "Ann"), parts=parts)
    shown = (await chat.ask("GET", f"/conversations/{row.id}")).json()["conversation_parts"]
    assert shown["total_count"] == 501
    bodies = [part["body"] for part in shown["conversation_parts"]]
    assert (len(bodies), bodies[0], bodies[-1]) == (500, "<p>1</p>", "<p>500</p>")


async def test_plain_text_is_shown_when_asked_for(chat: Chat) -> None:
    body = '<p>Tom &amp; <b>co</b></p><p>see <a href="https://x.example">this</a></p>'
    ann = _contact(chat.world, "Ann")
    row = _thread(chat.world, "t", ann, source_body=body, parts=(_part(chat.world, body=body),))
    shown = (await chat.ask("GET", f"/conversations/{row.id}?display_as=plaintext")).json()
    expected = "Tom & co\nsee this (https://x.example)"
    assert shown["source"]["body"] == expected
    assert shown["conversation_parts"]["conversation_parts"][0]["body"] == expected


async def test_a_redacted_part_keeps_its_place_without_its_body(chat: Chat) -> None:
    part = _part(chat.world, redacted=True)
    row = _thread(chat.world, "t", _contact(chat.world, "Ann"), parts=(part,))
    shown = (await chat.ask("GET", f"/conversations/{row.id}")).json()
    (only,) = shown["conversation_parts"]["conversation_parts"]
    assert (only["redacted"], only["body"]) == (True, None)


async def test_unknown_and_deleted_conversations_are_not_found(chat: Chat) -> None:
    row = _thread(chat.world, "t", _contact(chat.world, "Ann"))
    chat.world.conversations.remove(row.id)
    for one in (row.id, "1", "x"):
        response = await chat.ask("GET", f"/conversations/{one}")
        assert (response.status_code, _code(response)) == (404, "not_found")


async def test_parts_tell_the_state_the_conversation_had(chat: Chat) -> None:
    ann = _contact(chat.world, "Ann")
    kinds = ("comment", "close", "note", "open", "snoozed")
    parts = tuple(_part(chat.world, part_type=kind) for kind in kinds)
    row = _thread(chat.world, "t", ann, parts=parts, state="snoozed")
    shown = (await chat.ask("GET", f"/conversations/{row.id}")).json()
    states = [part["state"] for part in shown["conversation_parts"]["conversation_parts"]]
    assert states == ["open", "closed", "closed", "open", "snoozed"]


# ---------------------------------------------------------------- replies


def _user_reply(**who: str) -> dict[str, str]:
    return {"message_type": "comment", "type": "user", "body": "Thanks again", **who}


async def test_a_contacts_reply_reopens_waits_and_is_found_as_changed(
    chat: Chat, clock: Any
) -> None:
    ann = _contact(chat.world, "Ann", email="ann@example.com", external_id="70")
    row = _thread(chat.world, "t", ann, state="closed")
    answer = await chat.ask(
        "POST", f"/conversations/{row.id}/reply", _user_reply(intercom_user_id=ann.id)
    )
    shown = answer.json()
    assert (shown["state"], shown["open"], shown["read"]) == ("open", True, False)
    assert shown["waiting_since"] == shown["updated_at"] == unix(clock.now())
    (part,) = shown["conversation_parts"]["conversation_parts"]
    assert (part["part_type"], part["body"]) == ("open", "<p>Thanks again</p>")
    assert (part["author"]["type"], part["author"]["id"]) == ("user", ann.id)
    assert await chat.threads(rule("updated_at", ">", unix(clock.now()))) == ["t"]
    replied = (await chat.ask("GET", f"/contacts/{ann.id}")).json()["last_replied_at"]
    assert replied == unix(clock.now())


@pytest.mark.parametrize("who", [{"email": "ann@example.com"}, {"user_id": "70"}])
async def test_a_contact_may_be_named_by_email_or_external_id(
    chat: Chat, who: dict[str, str]
) -> None:
    ann = _contact(chat.world, "Ann", email="ann@example.com", external_id="70")
    _thread(chat.world, "old", ann, updated_at=NOON - DAY)
    row = _thread(chat.world, "new", ann)
    answer = await chat.ask("POST", "/conversations/last/reply", _user_reply(**who))
    assert answer.json()["id"] == row.id
    assert answer.json()["conversation_parts"]["conversation_parts"][0]["part_type"] == "comment"


async def test_a_teammates_comment_ends_the_waiting_and_a_note_does_not(chat: Chat) -> None:
    row = _thread(chat.world, "t", _contact(chat.world, "Ann"), waiting_since=NOON)
    reply = {"message_type": "note", "type": "admin", "admin_id": 814861, "body": "hm"}
    path = f"/conversations/{row.id}/reply"
    assert (await chat.ask("POST", path, reply)).json()["waiting_since"] == unix(NOON)
    shown = (await chat.ask("POST", path, {**reply, "message_type": "comment"})).json()
    assert shown["waiting_since"] is None
    kinds = [part["part_type"] for part in shown["conversation_parts"]["conversation_parts"]]
    assert kinds == ["note", "comment"]


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ({}, 400),
        (_user_reply(), 400),
        (_user_reply(intercom_user_id="nobody"), 404),
        ({**_user_reply(email="ann@example.com"), "message_type": "note"}, 400),
        ({**_user_reply(email="ann@example.com"), "body": ""}, 400),
        ({**_user_reply(email="ann@example.com"), "created_at": "now"}, 400),
        ({"message_type": "comment", "type": "admin", "admin_id": "1", "body": "x"}, 404),
        ({"message_type": "quick_reply", "type": "admin", "admin_id": "814861"}, 400),
    ],
)
async def test_a_reply_that_cannot_be_is_refused_and_changes_nothing(
    chat: Chat, reply: dict[str, object], status: int
) -> None:
    row = _thread(chat.world, "t", _contact(chat.world, "Ann", email="ann@example.com"))
    response = await chat.ask("POST", f"/conversations/{row.id}/reply", reply)
    assert response.status_code == status
    _code(response)
    assert chat.world.conversations.get(row.id) == row


async def test_a_reply_to_no_conversation_is_not_found(chat: Chat) -> None:
    ann = _contact(chat.world, "Ann")
    for one in ("last", "17"):
        response = await chat.ask(
            "POST", f"/conversations/{one}/reply", _user_reply(intercom_user_id=ann.id)
        )
        assert (response.status_code, _code(response)) == (404, "not_found")
