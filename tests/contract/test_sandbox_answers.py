"""The REST emulators' answers, judged by the vendors' own descriptions.

To add a system: an entry in SYSTEMS with the exchanges to judge and the known departures. (Shopify
speaks GraphQL and is judged by its schema in a file of its own.)
"""

import base64
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

import httpx
import pytest

from sandbox import hubspot, zendesk
from sandbox.hubspot.properties import KNOWN
from sandbox.seed import build_world
from sandbox.vendor import Vendor
from sandbox.world import SEEDED_AT, World

pytestmark = pytest.mark.contract


@dataclass(frozen=True)
class Exchange:
    """A request to judge the answer of; later ones see what earlier ones changed."""

    method: str
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class System:
    """`departures`: patterns of problems that are the vendor's own, each with its reason."""

    vendor: Vendor
    authorization: str
    exchanges: Callable[[World], list[Exchange]]
    departures: dict[str, str]


CONTACTS = "/crm/v3/objects/contacts"


def hubspot_exchanges(world: World) -> list[Exchange]:
    rows = list(world.crm_contacts.live())
    first, second, third = (row.id for row in rows[:3])
    everything = sorted(KNOWN)
    read = {"inputs": [{"id": row.id} for row in rows[:100]], "properties": everything}
    found = {"filterGroups": [], "properties": everything, "limit": 200, "sorts": ["createdate"]}
    return [
        Exchange("GET", CONTACTS, {"limit": 100, "properties": ",".join(everything)}),
        Exchange("GET", CONTACTS, {"limit": 1, "propertiesWithHistory": "email,phone"}),
        Exchange("GET", f"{CONTACTS}/{first}"),
        Exchange("GET", f"{CONTACTS}/1"),
        Exchange("POST", f"{CONTACTS}/batch/read", body=read | {"propertiesWithHistory": []}),
        Exchange(
            "POST",
            f"{CONTACTS}/batch/read",
            body={"inputs": [{"id": "1"}], "properties": [], "propertiesWithHistory": []},
        ),
        Exchange("POST", f"{CONTACTS}/batch/read", body={"inputs": []}),
        Exchange("POST", f"{CONTACTS}/search", body=found),
        Exchange("POST", f"{CONTACTS}/search", body={"limit": 5}),
        Exchange("POST", f"{CONTACTS}/search", body={"limit": 500}),
        Exchange("POST", CONTACTS, body={"properties": {"email": "new@example.com"}}),
        Exchange("POST", CONTACTS, body={"properties": {"email": "new@example.com"}}),
        Exchange("POST", CONTACTS, body={"properties": {"shoesize": "43"}}),
        Exchange("PATCH", f"{CONTACTS}/{first}", body={"properties": {"phone": "+447700900001"}}),
        Exchange(
            "POST",
            f"{CONTACTS}/merge",
            body={"primaryObjectId": first, "objectIdToMerge": second},
        ),
        Exchange("DELETE", f"{CONTACTS}/{third}"),
        Exchange("GET", CONTACTS, {"archived": "true"}),
        Exchange("POST", f"{CONTACTS}/gdpr-delete", body={"objectId": third}),
    ]


def zendesk_exchanges(world: World) -> list[Exchange]:
    tickets = list(world.tickets.live())
    people = ",".join(row.id for row in list(world.ticket_users.live())[:100])
    talks = [row for row in tickets if len(row.comments) > 1]
    calls = [row for row in tickets if row.channel == "voice"]
    user = {"user": {"name": "Nova Person", "email": "nova@example.com"}}
    ticket = {"subject": "Hello", "comment": {"body": "First words"}}
    opened = next(row for row in tickets if row.status == "open")
    gone = next(row for row in tickets if row.status == "solved")
    phone_only = next(row for row in world.ticket_users.live() if row.role == "end-user")
    world.ticket_users.change(phone_only.id, email=None)
    world.tickets.change(gone.id, deleted_at=world.seeded_at, updated_at=world.seeded_at)
    return [
        Exchange("GET", "/api/v2/users/me"),
        Exchange("GET", "/api/v2/users", {"per_page": 100}),
        Exchange("GET", "/api/v2/users.json", {"page[size]": 2}),
        Exchange("GET", "/api/v2/users/show_many", {"ids": people}),
        Exchange("GET", "/api/v2/users/search", {"query": "ellison", "include": "identities"}),
        Exchange("GET", f"/api/v2/users/{people.split(',')[10]}"),
        Exchange("GET", f"/api/v2/users/{people.split(',')[10]}/identities"),
        Exchange("GET", "/api/v2/users/search", {"query": "ellison"}),
        Exchange("POST", "/api/v2/users/create_or_update", body=user),
        Exchange("POST", "/api/v2/users/create_or_update", body=user),
        Exchange("GET", "/api/v2/tickets", {"per_page": 100}),
        Exchange("GET", "/api/v2/tickets", {"page[size]": 2}),
        Exchange(
            "GET",
            "/api/v2/tickets/show_many.json",
            {"ids": ",".join(row.id for row in tickets[:100]), "include": "users"},
        ),
        Exchange("GET", f"/api/v2/tickets/{opened.id}"),
        Exchange("GET", f"/api/v2/tickets/{talks[0].id}/comments", {"include": "users"}),
        Exchange("GET", f"/api/v2/tickets/{talks[1].id}/comments", {"page[size]": 1}),
        Exchange("GET", f"/api/v2/tickets/{calls[0].id}/comments"),
        Exchange("POST", "/api/v2/tickets", body={"ticket": ticket}),
        Exchange(
            "PUT",
            f"/api/v2/tickets/{opened.id}",
            body={"ticket": {"status": "solved", "comment": {"body": "Done", "public": False}}},
        ),
        Exchange("GET", "/api/v2/search", {"query": "type:ticket created>2000-01-01"}),
        Exchange("GET", "/api/v2/search", {"query": "type:user role:end-user", "per_page": 2}),
        Exchange("GET", "/api/v2/search/count", {"query": "type:user"}),
        Exchange(
            "GET",
            "/api/v2/search/export",
            {"query": "created>2000-01-01", "filter[type]": "ticket", "page[size]": 2},
        ),
        Exchange("GET", "/api/v2/incremental/tickets/cursor", {"start_time": 0}),
        Exchange("GET", "/api/v2/incremental/users/cursor.json", {"start_time": 0, "per_page": 2}),
    ]


_EMPTY_PROPERTY = "HubSpot answers null for a property without a value (public answers, SDK issues)"
_ERROR_STATUS = "HubSpot's errors say status: error beside what the schema lists (public answers)"
_UNSET = "Zendesk shows an unset ticket field as null; the description forgets to say nullable"
_PAGING = "paging fields are described in the reference's page on pagination, not in the schemas"
_SIDELOAD = "what is loaded beside is described in the reference's page on side-loading"

SYSTEMS = {
    "hubspot": System(
        vendor=hubspot.VENDOR,
        authorization=f"Bearer {hubspot.TOKEN}",
        exchanges=hubspot_exchanges,
        departures={
            "results.*.properties.*: null": _EMPTY_PROPERTY,
            "status: undeclared": _ERROR_STATUS,
        },
    ),
    "zendesk": System(
        vendor=zendesk.VENDOR,
        authorization="Basic "
        + base64.b64encode(f"{zendesk.EMAIL}/token:{zendesk.TOKEN}".encode()).decode(),
        exchanges=zendesk_exchanges,
        departures={
            **{
                f"ticket*.{name}: null": _UNSET
                for name in (
                    "assignee_id",
                    "external_id",
                    "group_id",
                    "organization_id",
                    "priority",
                    "problem_id",
                    "type",
                )
            },
            "user*.email: null": "a user may have a telephone only; the example shows both",
            "tickets.*.status: enum deleted": "the export shows deleted tickets (Excluding deleted"
            " tickets); the enumeration is that of tickets one can write",
            "comments.*.data: undeclared": "a voice comment's call (Adding voice comments)",
            **{
                f"{name}: undeclared": _PAGING
                for name in ("count", "next_page", "previous_page", "meta", "links")
            },
            "users: undeclared": _SIDELOAD,
            "identities: undeclared": _SIDELOAD,
            "results.*.*: undeclared": "results are whole tickets and users (judged as such below)",
        },
    ),
}


@pytest.fixture
def world() -> World:
    return build_world(people=120, clock=lambda: SEEDED_AT + timedelta(hours=1))


async def answers(system: System, world: World) -> list[tuple[Exchange, int, Any]]:
    app = system.vendor.build(world)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://sandbox.test",
        headers={"authorization": system.authorization},
    ) as client:
        got = []
        for exchange in system.exchanges(world):
            answer = await client.request(
                exchange.method, exchange.path, params=exchange.query, json=exchange.body
            )
            body = answer.json() if answer.content else None
            got.append((exchange, answer.status_code, body))
        return got


def unexplained(problems: list[str], departures: dict[str, str]) -> list[str]:
    return [
        problem
        for problem in problems
        if not any(fnmatchcase(problem, pattern) for pattern in departures)
    ]


@pytest.mark.parametrize("name", SYSTEMS)
async def test_every_answer_is_as_described(name, judge, world):
    system = SYSTEMS[name]
    judged = {
        f"{number}: {exchange.method} {exchange.path} {status}": judge(name).problems(
            exchange.method, exchange.path, status, body
        )
        for number, (exchange, status, body) in enumerate(await answers(system, world))
    }
    wrong = {told: unexplained(problems, system.departures) for told, problems in judged.items()}
    assert {told: problems for told, problems in wrong.items() if problems} == {}
    met = {problem for problems in judged.values() for problem in problems}
    idle = [
        pattern
        for pattern in system.departures
        if not any(fnmatchcase(problem, pattern) for problem in met)
    ]
    assert idle == [], "departures that are none"


@pytest.mark.parametrize("name", SYSTEMS)
async def test_every_exchange_did_what_it_was_meant_to(name, world):
    for exchange, status, body in await answers(SYSTEMS[name], world):
        assert status < 500
        if name == "zendesk":
            assert status < 400, (exchange, body)
        if exchange.path.endswith("search"):
            assert body.get("results") or body.get("users") or status == 400


async def test_search_results_are_whole_tickets_and_users(judge, world):
    system = SYSTEMS["zendesk"]
    judged = 0
    for exchange, _, body in await answers(system, world):
        if not exchange.path.startswith("/api/v2/search") or "results" not in body:
            continue
        for result in body["results"]:
            kind = result.pop("result_type")
            problems = judge("zendesk").named(f"{kind.title()}Object", {**result})
            wrong = unexplained([f"{kind}.{problem}" for problem in problems], system.departures)
            assert wrong == []
            judged += 1
    assert judged > 10


@pytest.mark.parametrize("refusal", ["unauthorized", "broken", "rate_limited"])
def test_hubspots_refusals_have_its_error_form(judge, refusal):
    arguments = (3,) if refusal == "rate_limited" else ()
    answer = getattr(hubspot.VENDOR.dialect, refusal)(*arguments)
    problems = judge("hubspot").problems("GET", CONTACTS, answer.status, answer.body)
    limits = {"errorType: undeclared": "", "policyName: undeclared": ""}
    assert unexplained(problems, SYSTEMS["hubspot"].departures | limits) == []


def altered(body: Any, path: tuple[str | int, ...], value: object) -> Any:
    body = copy.deepcopy(body)
    place = body
    for step in path[:-1]:
        place = place[step]
    if value is DROPPED:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return body


DROPPED = "(left out)"
WRONG = [
    ("hubspot", f"{CONTACTS}/batch/read", ("results", 0, "id"), 5),
    ("hubspot", f"{CONTACTS}/batch/read", ("results", 0, "createdAt"), "yesterday"),
    ("hubspot", f"{CONTACTS}/batch/read", ("results", 0, "updatedAt"), DROPPED),
    ("hubspot", f"{CONTACTS}/batch/read", ("results", 0, "properties", "email"), 5),
    ("hubspot", f"{CONTACTS}/batch/read", ("results", 0, "properties", "email"), ["a@b.c"]),
    ("hubspot", f"{CONTACTS}/batch/read", ("results", 0, "archived"), "no"),
    ("hubspot", f"{CONTACTS}/batch/read", ("results", 0, "shoesize"), 43),
    ("hubspot", f"{CONTACTS}/batch/read", ("status",), "DONE"),
    ("hubspot", f"{CONTACTS}/batch/read", ("completedAt",), None),
    ("hubspot", f"{CONTACTS}/search", ("total",), "161"),
    ("hubspot", f"{CONTACTS}/search", ("total",), DROPPED),
    ("zendesk", "/api/v2/tickets/show_many.json", ("tickets", 0, "id"), "1"),
    ("zendesk", "/api/v2/tickets/show_many.json", ("tickets", 0, "status"), "started"),
    ("zendesk", "/api/v2/tickets/show_many.json", ("tickets", 0, "created_at"), 1_700_000_000),
    ("zendesk", "/api/v2/tickets/show_many.json", ("tickets", 0, "updated_at"), "2026-11-16 9:00"),
    ("zendesk", "/api/v2/tickets/show_many.json", ("tickets", 0, "requester_id"), None),
    ("zendesk", "/api/v2/tickets/show_many.json", ("tickets", 0, "tags"), [1]),
    ("zendesk", "/api/v2/tickets/show_many.json", ("tickets", 0, "via"), "email"),
    ("zendesk", "/api/v2/tickets/show_many.json", ("tickets", 0, "comment"), {"body": "x"}),
    ("zendesk", "/api/v2/tickets/show_many.json", ("tickets", 0, "colour"), "red"),
    ("zendesk", "/api/v2/users/show_many", ("users", 0, "name"), DROPPED),
    ("zendesk", "/api/v2/users/show_many", ("users", 0, "id"), "1"),
    ("zendesk", "/api/v2/users/show_many", ("users", 0, "created_at"), "in spring"),
    ("zendesk", "/api/v2/users/me", ("user",), []),
    ("zendesk", "/api/v2/incremental/tickets/cursor", ("end_of_stream",), "true"),
    ("zendesk", "/api/v2/incremental/tickets/cursor", ("after_cursor",), 5),
    ("zendesk", "/api/v2/search", ("count",), None),
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_the_judge_sees_what_is_wrong(wrong, judge, world):
    """Otherwise the tests above would pass on anything."""
    name, path, place, value = wrong
    system = SYSTEMS[name]
    exchange, status, body = next(
        (exchange, status, body)
        for exchange, status, body in await answers(system, world)
        if exchange.path == path and status == 200
    )
    problems = judge(name).problems(
        exchange.method, exchange.path, status, altered(body, place, value)
    )
    assert unexplained(problems, system.departures) != []


async def test_an_answer_the_description_does_not_have_is_a_problem(judge):
    assert judge("zendesk").problems("GET", "/api/v2/spaceships", 200, {}) != []
    assert judge("zendesk").problems("GET", "/api/v2/users/me", 418, {}) != []
