"""The emulated Intercom API against the vendor's published description.

Every answer is judged by the response schema of its operation and status. The schemas leave most
fields optional and forbid none, so an answer must also hold no field that neither the schema nor
the vendor's own examples know.
"""

import copy
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator

from sandbox.allowance import Allowance
from sandbox.intercom import TOKEN, build
from sandbox.intercom.fields import CONTACT, Kind, conversation_fields
from sandbox.intercom.search import CONTACTS, CONVERSATIONS
from sandbox.seed import build_world
from sandbox.world import World

pytestmark = pytest.mark.contract

# Lists whose examples are empty: their rows may look like the example of a single one.
ROWS = {"/contacts/search": (".data", "/contacts/{contact_id}")}
# Fields that neither schema nor example names, each with its reason.
EXTRA = {
    ".pages.next.page",  # the page a cursor leads to, in the vendor's pagination guide
}
ERROR = {"$ref": "#/components/schemas/error"}


class Judge:
    """The vendor's description, read as JSON Schema."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._components = _as_json_schema(document["components"])

    def responses(self, method: str, path: str) -> dict[str, Any]:
        return self.document["paths"][path][method.lower()]["responses"]

    def schema(self, method: str, path: str, status: int) -> dict[str, Any]:
        """The schema of a response; the general error list where none is given for it."""
        described = self.responses(method, path).get(str(status))
        if described is None:
            assert status >= 400
            return ERROR
        return described["content"]["application/json"]["schema"]

    def problems(self, schema: dict[str, Any], answer: object) -> list[str]:
        whole = {**_as_json_schema(schema), "components": self._components}
        found = OAS31Validator(whole).iter_errors(answer)
        return [f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in found]

    def known(self, method: str, path: str, status: int) -> set[str]:
        """Every field path the response's schema or an example of it knows."""
        schema = self.schema(method, path, status)
        described = self.responses(method, path).get(str(status), {})
        content = described.get("content", {}).get("application/json", {})
        examples = [one["value"] for one in content.get("examples", {}).values()]
        paths = {place for example in examples for place in _field_paths(example)}
        paths |= set(self._schema_paths(schema, "", ()))
        if status == 200 and path in ROWS:
            list_place, row_path = ROWS[path]
            paths |= {list_place + place for place in self.known("get", row_path, status)}
        return paths

    def _schema_paths(
        self, schema: dict[str, Any], place: str, inside: tuple[str, ...]
    ) -> Iterator[str]:
        name = schema.get("$ref", "").rpartition("/")[2]
        if name:
            if inside.count(name) < 2:
                target = self.document["components"]["schemas"][name]
                yield from self._schema_paths(target, place, (*inside, name))
            return
        for part in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from self._schema_paths(part, place, inside)
        for field, below in schema.get("properties", {}).items():
            yield f"{place}.{field}"
            yield from self._schema_paths(below, f"{place}.{field}", inside)
        if "items" in schema:
            yield from self._schema_paths(schema["items"], place, inside)


def _field_paths(value: object, place: str = "") -> Iterator[str]:
    """The fields of a JSON value; items of a list share their list's path."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield f"{place}.{name}"
            yield from _field_paths(below, f"{place}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _field_paths(item, place)


def _as_json_schema(value: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: `nullable` counts beside a `$ref` and an enum too, as it is
    meant in the description (its own examples are null there)."""
    if isinstance(value, list):
        return [_as_json_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    schema = {name: _as_json_schema(item) for name, item in value.items() if name != "example"}
    if schema.pop("nullable", False) is not True:
        return schema
    return {"anyOf": [schema, {"type": "null"}]}


@pytest.fixture(scope="module")
def judge() -> Judge:
    shared = Path(os.environ.get("KNOWNAS_SHARED") or Path(__file__).parents[2] / "../shared")
    return Judge(json.loads((shared / "specs/intercom/openapi.json").read_text("utf-8")))


@pytest.fixture
def world() -> World:
    return build_world()


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=build(world))
    headers = {"Authorization": f"Bearer {TOKEN}", "Intercom-Version": "2.16"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://chat", headers=headers
    ) as client:
        yield client


def _judged(judge: Judge, method: str, path: str, answer: httpx.Response) -> Any:
    body = answer.json()
    schema = judge.schema(method, path, answer.status_code)
    assert judge.problems(schema, body) == []
    assert set(_field_paths(body)) - judge.known(method, path, answer.status_code) <= EXTRA
    return body


EVERYBODY = {"field": "created_at", "operator": ">", "value": 0}


async def _pages(
    client: httpx.AsyncClient, judge: Judge, kind: str, key: str
) -> list[dict[str, Any]]:
    """Every row there is, each page judged."""
    rows: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        pagination = {"per_page": 60} | ({"starting_after": after} if after else {})
        body = {"query": EVERYBODY, "pagination": pagination}
        _judge_request(judge, "post", f"/{kind}/search", body)
        answer = await client.post(f"/{kind}/search", json=body)
        assert answer.status_code == 200
        page = _judged(judge, "post", f"/{kind}/search", answer)
        rows += page[key]
        if "next" not in page["pages"]:
            assert len(rows) == page["total_count"]
            return rows
        after = page["pages"]["next"]["starting_after"]


def _judge_request(judge: Judge, method: str, path: str, body: object) -> None:
    """What these tests send is what the description takes."""
    described = judge.document["paths"][path][method]["requestBody"]
    assert judge.problems(described["content"]["application/json"]["schema"], body) == []


async def test_every_contact_is_described(client: httpx.AsyncClient, judge: Judge) -> None:
    rows = await _pages(client, judge, "contacts", "data")
    assert len(rows) > 100
    for row in rows:
        answer = await client.get(f"/contacts/{row['id']}")
        shown = _judged(judge, "get", "/contacts/{contact_id}", answer)
        assert shown == row
        if row["role"] == "user" and row["external_id"]:
            path = "/contacts/find_by_external_id/{external_id}"
            answer = await client.get(path.format(external_id=row["external_id"]))
            assert _judged(judge, "get", path, answer) == row


async def test_every_conversation_is_described(client: httpx.AsyncClient, judge: Judge) -> None:
    rows = await _pages(client, judge, "conversations", "conversations")
    assert len(rows) > 50
    kinds: set[str] = set()
    for row in rows:
        answer = await client.get(f"/conversations/{row['id']}")
        shown = _judged(judge, "get", "/conversations/{conversation_id}", answer)
        kinds |= {one["part_type"] for one in shown["conversation_parts"]["conversation_parts"]}
        assert row.items() <= shown.items()
    assert {"comment", "note", "assignment", "close", "snoozed"} <= kinds


async def test_changes_are_described(client: httpx.AsyncClient, judge: Judge, world: World) -> None:
    thread = next(world.conversations.live())
    contact, admin = thread.contact_ids[0], next(iter(world.chat_admins))
    path = "/conversations/{conversation_id}/reply"
    for reply in (
        {"message_type": "comment", "type": "user", "intercom_user_id": contact, "body": "Hi"},
        {"message_type": "comment", "type": "admin", "admin_id": admin, "body": "Hello"},
        {"message_type": "note", "type": "admin", "admin_id": admin, "body": "hm"},
    ):
        answer = await client.post(path.format(conversation_id=thread.id), json=reply)
        assert answer.status_code == 200
        _judged(judge, "post", path, answer)
    path = "/contacts/{contact_id}"
    answer = await client.put(path.format(contact_id=contact), json={"name": "Somebody Else"})
    assert answer.status_code == 200
    assert _judged(judge, "put", path, answer)["name"] == "Somebody Else"


@pytest.mark.parametrize(
    ("operation", "url", "body", "status"),
    [
        ("get /contacts/{contact_id}", "/contacts/none", None, 404),
        ("get /conversations/{conversation_id}", "/conversations/1", None, 404),
        ("post /contacts/search", "/contacts/search", {"query": {}}, 400),
        ("post /contacts/search", "/contacts/search", [], 400),
        ("post /conversations/search", "/conversations/search", {}, 400),
        ("put /contacts/{contact_id}", "/contacts/none", {"name": "x"}, 404),
        ("post /conversations/{conversation_id}/reply", "/conversations/1/reply", {}, 404),
    ],
)
async def test_refusals_are_described(
    client: httpx.AsyncClient, judge: Judge, *, operation: str, url: str, body: Any, status: int
) -> None:
    method, path = operation.split(" ")
    answer = await client.request(method, url, json=body)
    assert answer.status_code == status
    _judged(judge, method, path, answer)


async def test_the_documented_examples_of_refusals_are_the_emulators_own(
    client: httpx.AsyncClient, judge: Judge, world: World
) -> None:
    first, second = list(world.chat_contacts.live())[:2]
    world.chat_contacts.change(first.id, merged_ids=(second.id,))
    world.chat_contacts.remove(second.id)
    sort = {"query": EVERYBODY, "sort": {"order": "desc"}}
    cases = [
        (await client.post("/contacts/search", json=sort), "post", "/contacts/search"),
        (await client.get(f"/contacts/{second.id}"), "get", "/contacts/{contact_id}"),
        (await client.get("/conversations/1"), "get", "/conversations/{conversation_id}"),
        (
            await client.get("/contacts/x", headers={"Authorization": "Bearer wrong"}),
            "get",
            "/contacts/{contact_id}",
        ),
    ]
    assert [answer.status_code for answer, _, _ in cases] == [400, 410, 404, 401]
    for answer, method, path in cases:
        described = judge.responses(method, path)[str(answer.status_code)]
        (example,) = described["content"]["application/json"]["examples"].values()
        assert _judged(judge, method, path, answer)["errors"] == example["value"]["errors"]


async def test_a_rate_limit_is_an_error_list(judge: Judge, world: World) -> None:
    app = build(world, allowance=Allowance(requests=0, window_s=10))
    transport, headers = httpx.ASGITransport(app=app), {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://chat") as client:
        answer = await client.get("/contacts/x", headers=headers)
    assert answer.status_code == 429
    _judged(judge, "get", "/contacts/{contact_id}", answer)


def test_searchable_fields_are_those_of_the_documented_tables(judge: Judge) -> None:
    tables = {
        "/contacts/search": dict(CONTACT),
        "/conversations/search": dict(conversation_fields(World())),
    }
    for path, fields in tables.items():
        documented = _documented_fields(judge.document["paths"][path]["post"]["description"])
        documented.pop("custom_attributes.{attribute_name}", None)
        documented.pop("tag_id", None)
        fields.pop("tag_id", None)
        assert {name: field.kind.value for name, field in fields.items()} == documented


def _documented_fields(description: str) -> dict[str, str]:
    """Field and type of every line of the table "Accepted Fields"."""
    table = description.partition("### Accepted Fields")[2].partition("### Accepted Operators")[0]
    lines = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| ")]
    kinds = {kind.value for kind in Kind}
    rows = {name.strip(): kind.strip().split("<br>")[0].split(" ")[0] for name, kind in lines}
    return {name: kind for name, kind in rows.items() if kind in kinds}


def test_every_operator_is_one_the_description_names(judge: Judge) -> None:
    schema = judge.document["components"]["schemas"]["single_filter_search_request"]
    documented = set(schema["properties"]["operator"]["enum"])
    contacts = {one for allowed in CONTACTS.operators.values() for one in allowed}
    conversations = {one for allowed in CONVERSATIONS.operators.values() for one in allowed}
    assert contacts == documented
    assert conversations == documented - {"<=", ">="}


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("id",), 7),
        (("created_at",), "2026-03-01T12:00:00Z"),
        (("created_at",), 1772323200.5),
        (("updated_at",), None),
        (("open",), "true"),
        (("state",), "ended"),
        (("priority",), "top"),
        (("admin_assignee_id",), "814861"),
        (("source", "author"), []),
        (("source", "subject"), None),
        (("contacts", "contacts", 0, "type"), "lead"),
        (("conversation_parts", "conversation_parts"), {}),
        (("conversation_parts", "conversation_parts", 0, "created_at"), "now"),
        (("conversation_parts", "conversation_parts", 0, "author", "id"), 816000),
        (("conversation_parts", "total_count"), "2"),
        (("teammates",), 0),
        (("nickname",), "x"),
        (("source", "author", "nickname"), "x"),
    ],
)
async def test_the_judge_refuses_a_wrong_value_or_field(
    client: httpx.AsyncClient,
    judge: Judge,
    world: World,
    place: tuple[str | int, ...],
    wrong: object,
) -> None:
    thread = next(world.conversations.live())
    body = copy.deepcopy((await client.get(f"/conversations/{thread.id}")).json())
    holder: Any = body
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = wrong
    bent = httpx.Response(200, json=body)
    with pytest.raises(AssertionError):
        _judged(judge, "get", "/conversations/{conversation_id}", bent)


@pytest.mark.parametrize(
    "wrong", [{"email": None}, {"updated_at": "1"}, {"tags": []}, {"person_id": "person-1"}]
)
async def test_the_judge_refuses_a_wrong_contact(
    client: httpx.AsyncClient, judge: Judge, world: World, wrong: dict[str, object]
) -> None:
    row = next(world.chat_contacts.live())
    body = (await client.get(f"/contacts/{row.id}")).json()
    bent = httpx.Response(200, json={**body, **wrong})
    with pytest.raises(AssertionError):
        _judged(judge, "get", "/contacts/{contact_id}", bent)
