"""The emulated Intercom API: what its searches find, refuse and put on a page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def unix(moment: datetime) -> int:
    return int(moment.timestamp())


def rule(name: str, operator: str, value: object) -> dict[str, object]:
    return {"field": name, "operator": operator, "value": value}


def group(operator: str, *parts: object) -> dict[str, object]:
    return {"operator": operator, "value": list(parts)}


@pytest.fixture
def people(chat: Any) -> Any:
    """Ann, Bob and Cara, made one day after the other; Bob is a lead without an e-mail."""
    chat.contact("Ann", email="ann@example.com", external_id="1", country="Ireland")
    chat.contact("Bob", role="lead", created_at=NOON + DAY, updated_at=NOON + DAY)
    later = NOON + 2 * DAY
    chat.contact("Cara", email="cara@shop.example", created_at=later, updated_at=later)
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
    people: Any, query: object, names: list[str]
) -> None:
    assert await people.names(query, sort=ASCENDING) == names


async def test_contacts_are_found_by_many_ids_at_once(people: Any) -> None:
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
    people: Any, body: object, code: str
) -> None:
    assert await people.refusal("contacts", body) == (400, code)


async def test_fifteen_filters_and_two_levels_are_allowed(people: Any) -> None:
    inner = group("OR", *(rule("name", "=", f"{number}") for number in range(14)), _NAMED)
    assert await people.names(group("AND", *[inner] * 15)) == ["Ann"]


async def _pages(chat: Any, kind: str, key: str, **asked: Any) -> list[list[str]]:
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
async def test_pages_end_and_hold_every_contact_once(chat: Any, sort: str, order: str) -> None:
    made = [
        chat.contact(f"C{at % 3}", updated_at=NOON + timedelta(seconds=at % 4)).id
        for at in range(11)
    ]
    asked = {"field": sort, "order": order}
    pages = await _pages(chat, "contacts", "data", size=4, sort=asked)
    assert [len(page) for page in pages] == [4, 4, 3]
    assert sorted(one for page in pages for one in page) == sorted(made)


async def test_a_full_last_page_names_no_next_one(people: Any) -> None:
    assert [len(page) for page in await _pages(people, "contacts", "data", size=3)] == [3]
    empty = await people.search("contacts", rule("name", "=", "Zoe"))
    assert empty["data"] == []
    assert empty["pages"] == {"type": "pages", "page": 1, "per_page": 50, "total_pages": 0}


async def test_a_contact_made_between_two_pages_shifts_none(people: Any) -> None:
    first = await people.search(
        "contacts", rule("created_at", ">", 0), pagination={"per_page": 2}, sort=ASCENDING
    )
    people.contact("Early", created_at=NOON - DAY)
    after = first["pages"]["next"]["starting_after"]
    pagination = {"per_page": 2, "starting_after": after}
    query = rule("created_at", ">", 0)
    assert await people.names(query, pagination=pagination, sort=ASCENDING) == ["Cara"]


async def test_usual_page_sizes_are_50_contacts_and_20_conversations(chat: Any) -> None:
    ann = chat.contact("Ann")
    for number in range(60):
        chat.contact(f"C{number}")
        chat.thread(f"T{number}", ann)
    found = await chat.search("contacts", rule("name", "!=", None))
    assert (len(found["data"]), found["total_count"]) == (50, 61)
    found = await chat.search("conversations", rule("contact_ids", "=", ann.id))
    assert (len(found["conversations"]), found["total_count"]) == (20, 60)
    whole = {"per_page": 150}
    found = await chat.search("contacts", rule("name", "!=", None), pagination=whole)
    assert len(found["data"]) == 61


@pytest.fixture
def threads(chat: Any) -> Any:
    """Three conversations: two of Ann's, one of Bob's, an hour between their last changes."""
    ann, bob = chat.contact("Ann", email="ann@example.com"), chat.contact("Bob", role="lead")
    chat.thread("first", ann, state="closed", tags=("delivery",))
    chat.thread(
        "second",
        ann,
        updated_at=NOON + timedelta(hours=1),
        source_type="email",
        source_subject="Late",
        admin_assignee_id="814861",
        parts=(chat.part(), chat.part(author_type="user", author_id=ann.id)),
    )
    chat.thread("third", bob, updated_at=NOON + timedelta(hours=2), source_body="<p>Hello</p>")
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
    threads: Any, query: object, titles: list[str]
) -> None:
    assert await threads.threads(query, sort=BY_CHANGE) == titles


async def test_conversations_of_several_contacts_come_in_one_search(threads: Any) -> None:
    ann, bob = threads.world.chat_contacts.live()
    query = rule("contact_ids", "IN", [ann.id, bob.id])
    assert await threads.threads(query, sort=BY_CHANGE) == ["first", "second", "third"]
    assert await threads.threads(rule("contact_ids", "=", bob.id)) == ["third"]
    assert await threads.threads(rule("contact_ids", "!=", ann.id)) == ["third"]
    tag = (await threads.search("conversations", rule("state", "=", "closed")))["conversations"]
    tagged = rule("tag_ids", "=", tag[0]["tags"]["tags"][0]["id"])
    assert await threads.threads(tagged) == ["first"]


async def test_conversations_refuse_operators_of_the_contact_search(threads: Any) -> None:
    for body in ({"query": rule("updated_at", ">=", 1)}, {"query": rule("state", ">", "open")}):
        assert await threads.refusal("conversations", body) == (400, "invalid_operator")
