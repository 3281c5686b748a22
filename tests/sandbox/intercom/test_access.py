"""The emulated Intercom API: who may ask and how often, and what a contact looks like."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.allowance import Allowance
from sandbox.faults import Fault, FaultKind
from sandbox.gate import Gate
from sandbox.intercom import TOKEN, VENDOR, build
from sandbox.intercom.errors import IntercomDialect
from sandbox.world import World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def unix(moment: datetime) -> int:
    return int(moment.timestamp())


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}]
)
async def test_a_missing_or_wrong_token_is_unauthorized(chat: Any, headers: dict[str, str]) -> None:
    chat.headers = headers
    response = await chat.ask("POST", "/contacts/search", {})
    assert response.status_code == 401
    assert chat.error_code(response) == "unauthorized"


@pytest.mark.parametrize(("version", "status"), [("2.16", 200), ("2.9", 400), ("9.9", 400)])
async def test_only_the_emulated_version_is_served(chat: Any, version: str, status: int) -> None:
    row = chat.contact("Ann")
    chat.headers["Intercom-Version"] = version
    response = await chat.ask("GET", f"/contacts/{row.id}")
    assert response.status_code == status
    assert response.headers["intercom-version"] == "2.16"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b"\xff"])
async def test_a_body_that_is_no_object_is_a_bad_request(chat: Any, content: bytes) -> None:
    response = await chat.client.post("/contacts/search", content=content, headers=chat.headers)
    assert response.status_code == 400
    assert chat.error_code(response) == "bad_request"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("DELETE", "/contacts/search", 405), ("GET", "/", 404)],
)
async def test_an_unknown_path_or_method_is_refused_in_the_vendors_form(
    chat: Any, method: str, path: str, status: int
) -> None:
    response = await chat.ask(method, path)
    assert response.status_code == status
    assert chat.error_code(response) == "not_found"


async def test_the_rate_limit_is_told_refused_and_restored_by_the_clock(
    world: World, open_chat: Any, clock: Any
) -> None:
    async with open_chat(world, Allowance(requests=3, window_s=10)) as chat:
        row = chat.contact("Ann")
        answers = [await chat.ask("GET", f"/contacts/{row.id}") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [a.headers["x-ratelimit-remaining"] for a in answers] == ["2", "1", "0", "0"]
        assert chat.error_code(answers[3]) == "rate_limit_exceeded"
        assert answers[3].headers["x-ratelimit-limit"] == "3"
        reset = int(answers[3].headers["x-ratelimit-reset"])
        assert reset == unix(clock.now()) + 10
        clock.set(datetime.fromtimestamp(reset, UTC))
        assert (await chat.ask("GET", f"/contacts/{row.id}")).status_code == 200


async def test_a_fault_switch_answers_in_the_vendors_words(world: World, open_chat: Any) -> None:
    gate = Gate(build(world), VENDOR.dialect)
    gate.faults.add(Fault(kind=FaultKind.RATE_LIMITED, retry_after_s=2, count=1))
    async with open_chat(world, app=gate) as chat:
        row = chat.contact("Ann")
        refused, served = [await chat.ask("GET", f"/contacts/{row.id}") for _ in range(2)]
        assert (refused.status_code, chat.error_code(refused)) == (429, "rate_limit_exceeded")
        assert served.status_code == 200


def test_a_switched_on_rate_limit_says_when_to_come_back() -> None:
    answer = IntercomDialect(lambda: NOON).rate_limited(7)
    assert answer.status == 429
    assert int(answer.headers["X-RateLimit-Reset"]) == unix(NOON) + 7
    assert VENDOR.dialect.unauthorized().status == 401
    assert VENDOR.dialect.broken().body["errors"][0]["code"] == "server_error"


async def test_a_contact_is_shown_with_unix_seconds_and_without_the_truth(chat: Any) -> None:
    row = chat.contact("Ann", email="ann@example.com", external_id="70", person_id="person-1")
    response = await chat.ask("GET", f"/contacts/{row.id}")
    shown = response.json()
    assert (shown["id"], shown["email"], shown["created_at"]) == (row.id, row.email, unix(NOON))
    assert shown["email_domain"] == "example.com"
    assert "person" not in response.text
    found = await chat.ask("GET", "/contacts/find_by_external_id/70")
    assert found.json() == shown


async def test_external_ids_find_users_only(chat: Any) -> None:
    chat.contact("Lead", role="lead", external_id="71")
    response = await chat.ask("GET", "/contacts/find_by_external_id/71")
    assert (response.status_code, chat.error_code(response)) == (404, "not_found")


async def test_a_merged_contact_is_gone_and_names_its_successor(chat: Any) -> None:
    old = chat.contact("Old Ann", email="old@example.com")
    row = chat.contact("Ann", merged_ids=(old.id,))
    chat.world.chat_contacts.remove(old.id)
    response = await chat.ask("GET", f"/contacts/{old.id}")
    assert (response.status_code, chat.error_code(response)) == (410, "contact_merged")
    assert response.headers["link"] == f'</contacts/{row.id}>; rel="canonical"'
    assert await chat.names({"field": "email", "operator": "=", "value": "old@example.com"}) == []


async def test_a_deleted_contact_is_not_found(chat: Any) -> None:
    row = chat.contact("Ann")
    chat.world.chat_contacts.remove(row.id)
    response = await chat.ask("GET", f"/contacts/{row.id}")
    assert (response.status_code, chat.error_code(response)) == (404, "not_found")


async def test_an_update_changes_the_contact_and_its_time(chat: Any, clock: Any) -> None:
    row = chat.contact("Ann", email="ann@example.com", phone="+44")
    changes = {"name": "Ann Low", "phone": None, "signed_up_at": unix(NOON)}
    shown = (await chat.ask("PUT", f"/contacts/{row.id}", changes)).json()
    assert (shown["name"], shown["phone"], shown["email"]) == ("Ann Low", None, "ann@example.com")
    assert shown["updated_at"] == unix(clock.now())
    assert shown["signed_up_at"] == unix(NOON)
    since = {"field": "updated_at", "operator": ">", "value": unix(NOON)}
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
    chat: Any, changes: dict[str, object], status: int
) -> None:
    chat.contact("Bob", email="bob@example.com", external_id="70")
    row = chat.contact("Ann")
    response = await chat.ask("PUT", f"/contacts/{row.id}", changes)
    assert response.status_code == status
    chat.error_code(response)
    assert chat.world.chat_contacts.get(row.id) == row
