"""Interactions told over HTTP, and who they turn out to be about, in one process."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from domain.ids import Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import Contact
from domain.vocabulary import SystemKind
from gateway import bootstrap
from gateway.auth import new_token
from gateway.bootstrap import Program
from gateway.config_file import checked

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FULL = new_token("desk", ["customer:any", "staff", "pii:identity", "pii:contact", "pii:content"])
PHONES = new_token("phones", ["ingest:verified"])
BOT = new_token("bot", ["ingest"])
PAGE = new_token("page", ["pii:contact"])
SYSTEMS = {"phones": "VOICE", "bot": "CHAT", "shop": "WEB", "mail": "EMAIL"}
CRM = System(name="crm", kind=SystemKind.CRM, connector="test")

INGEST = """mutation($events: [EventInput!]!) { interactionsIngest(events: $events) {
  accepted duplicates customers { id displayName } userErrors { code message field } } }"""
LOOKUP = """query($by: CustomerKey!) { customerLookup(by: $by) { __typename ... on Customer {
  id displayName records { id } links(status: [PENDING]) { id } } } }"""


def _tables(file: Path) -> dict[str, Any]:
    return {
        "state": {"url": f"sqlite:///{file}"},
        "auth": {"tokens": [one.table for one in (FULL, PHONES, BOT, PAGE)]},
        "live_record": {"systems": SYSTEMS},
    }


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A state store in which anna is known, and her id."""
    file = tmp_path_factory.mktemp("state") / "known.db"

    async def prepare() -> str:
        async with bootstrap.opened(checked(_tables(file), {})) as program:
            return await adopt(
                program,
                "1",
                full_name="Anna Lindqvist",
                emails=("anna.lindqvist@mail.example",),
                phones=("+447700900111",),
                account_number="ACC-77120",
            )

    return file, asyncio.run(prepare())


@pytest.fixture
async def program(clock: Any, tmp_path: Path, known: tuple[Path, str]) -> AsyncIterator[Program]:
    clock.set(NOON)
    file = Path(shutil.copy(known[0], tmp_path / "own.db"))
    tables = checked(_tables(file), {})
    async with bootstrap.opened(tables, clock=clock, upgrade=False) as opened:
        yield opened


@pytest.fixture
def anna(known: tuple[Path, str]) -> str:
    return known[1]


@pytest.fixture
def app(program: Program) -> Starlette:
    return bootstrap.application(program)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def ask(client: httpx.AsyncClient) -> Callable[..., Any]:
    async def send(query: str, *, token: Any = FULL, **variables: Any) -> Any:
        answer = await client.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {token.token}"},
        )
        body = answer.json()
        assert "errors" not in body, body
        return body["data"]

    return send


@pytest.fixture
def tell(ask: Callable[..., Any]) -> Callable[..., Any]:
    async def send(*events: Mapping[str, Any], token: Any = FULL) -> Any:
        return (await ask(INGEST, token=token, events=list(events)))["interactionsIngest"]

    return send


_numbers = itertools.count()


def event(
    type_: str,
    subject: str,
    *identifiers: Mapping[str, Any],
    system: str = "bot",
    minute: float = 0,
    event_id: str = "",
    **data: Any,
) -> dict[str, Any]:
    at = NOON - timedelta(hours=1) + timedelta(minutes=minute)
    return {
        "system": system,
        "eventId": event_id or f"e{next(_numbers)}",
        "type": type_,
        "occurredAt": at.isoformat(),
        "subject": {"system": system, "externalId": subject},
        "identifiers": list(identifiers),
        "data": data,
    }


def claim(how: str = "ASSERTED", **key: Any) -> dict[str, Any]:
    return {"key": key, "verification": how}


async def adopt(program: Program, external_id: str, **attributes: Any) -> str:
    """Somebody of the CRM."""
    contact = Contact(
        key=SourceKey("crm", Kind.CONTACT, external_id),
        provenance=Provenance(system=CRM, external_id=external_id, fetched_at=NOON),
        **attributes,
    )
    return (await program.people.adopt([contact]))[0]


async def held(program: Program, customer: str, **more: Any) -> list[str]:
    """External ids of the interactions of a customer."""
    (cluster,) = await program.people.clusters([customer])  # type: ignore[list-item]
    assert cluster is not None
    found = await program.services.events.of_contacts(cluster.members, first=50, **more)
    return [one.key.external_id for one in found]


# ---------------------------------------------------------------- taking in


async def test_events_are_taken_once(tell: Any) -> None:
    started = event("interaction.started", "1", claim(phone="+447700900999"))
    first = await tell(started, started)
    again = await tell(started)
    assert (first["accepted"], first["duplicates"], first["userErrors"]) == (1, 1, [])
    assert (again["accepted"], again["duplicates"]) == (0, 1)
    assert first["customers"] == again["customers"] != []


async def test_what_cannot_be_taken_is_refused_by_itself(tell: Any) -> None:
    told = await tell(
        event("interaction.danced", "1"),
        event("interaction.started", "1", system="nobody"),
        event("interaction.started", "1", leaseSeconds="long", actor={"kind": "DOG", "id": "x"}),
        event("interaction.started", "", minute=200),
        event("interaction.started", "1", mood="fine"),
    )
    assert told["accepted"] == 1
    assert [(one["code"], one["field"]) for one in told["userErrors"]] == [
        ("UNKNOWN_TYPE", ["events", "0", "type"]),
        ("UNKNOWN_SYSTEM", ["events", "1", "system"]),
        ("UNKNOWN_SYSTEM", ["events", "1", "subject", "system"]),
        ("INVALID", ["events", "2", "data", "actor"]),
        ("INVALID", ["events", "2", "data", "leaseSeconds"]),
        ("INVALID", ["events", "3", "subject", "externalId"]),
        ("INVALID", ["events", "3", "occurredAt"]),
    ]


async def test_unknown_keys_of_the_data_are_kept(tell: Any, program: Program) -> None:
    await tell(event("interaction.started", "1", mood={"is": "fine"}))
    noted = await program.services.events.activities(0, 9)
    assert [one.item.external_id for one in noted if one.item] == ["1"]


async def test_who_may_not_tell_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/graphql",
        json={"query": INGEST, "variables": {"events": []}},
        headers={"authorization": f"Bearer {PAGE.token}"},
    )
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_messages_are_nodes_for_those_whose_they_are(
    ask: Any, tell: Any, program: Program, anna: str, client: httpx.AsyncClient
) -> None:
    said = event("message.created", "b/1", LOGIN, text="Hello", messageId="m/1")
    await tell(said, event("message.created", "b/2", claim(email="x@y.example"), text="Not mine"))
    query = """query($id: ID!) { node(id: $id) { __typename ... on Message { body } } }"""
    own = SourceKey("bot", Kind.MESSAGE, "b/1/m%2F1").node_id
    assert (await ask(query, id=own))["node"] == {"__typename": "Message", "body": "Hello"}
    nobodys = SourceKey("bot", Kind.MESSAGE, "b/1/other").node_id
    for token, one in ((FULL, nobodys), (PAGE, own)):
        assert (await ask(query, token=token, id=one))["node"] is None


async def test_where_the_live_record_is_off_nothing_is_taken(clock: Any) -> None:
    tables = {"state": {"url": "sqlite://"}, "capabilities": {"live_record": False}}
    async with bootstrap.opened(checked(tables, {}), clock=clock) as opened:
        transport = httpx.ASGITransport(app=bootstrap.application(opened))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            body = {"query": INGEST, "variables": {"events": []}}
            answer = (await client.post("/graphql", json=body)).json()
    assert answer["errors"][0]["extensions"]["code"] == "CAPABILITY_DISABLED"


# ---------------------------------------------------------------- who it is


async def test_a_caller_whose_number_the_exchange_saw_is_the_customer_we_know(
    tell: Any, program: Program, anna: str
) -> None:
    number = claim("OBSERVED", phone="+44 7700 900111")
    told = await tell(event("interaction.started", "c1", number, system="phones"), token=PHONES)
    assert (told["accepted"], told["customers"]) == (1, [])  # it may tell, and not read
    assert await held(program, anna) == ["c1"]


async def test_an_unknown_caller_becomes_a_customer(tell: Any, ask: Any) -> None:
    number = claim("OBSERVED", phone="+447700900555")
    told = await tell(event("interaction.started", "c1", number, system="phones"))
    (customer,) = told["customers"]
    found = (await ask(LOOKUP, by={"phone": "+447700900555"}))["customerLookup"]
    assert found["id"] == customer["id"]


async def test_who_types_the_mail_of_somebody_else_gets_nothing_but_a_review(
    tell: Any, ask: Any, program: Program, anna: str
) -> None:
    before = (await ask(LOOKUP, by={"email": "anna.lindqvist@mail.example"}))["customerLookup"]
    mail = claim("VERIFIED", email="anna.lindqvist@mail.example")
    said = event("message.created", "b1", mail, text="I am Anna", messageId="m")
    for _ in range(2):
        told = await tell(said, event("message.created", "b1", mail, text="again"), token=BOT)
        assert (told["customers"], told["userErrors"]) == ([], [])
    after = (await ask(LOOKUP, by={"email": "anna.lindqvist@mail.example"}))["customerLookup"]
    assert after["id"] == before["id"] == anna
    assert after["records"] == before["records"]
    assert len(after["links"]) == 1
    assert await held(program, anna) == []
    (shadow,) = {
        key for one in await program.services.events.activities(0, 9) for key in one.contacts
    }
    (owner,) = await program.people.of_records([shadow])
    assert owner != anna


async def test_beside_a_known_number_a_foreign_mail_is_put_up_for_review(
    tell: Any, program: Program, anna: str
) -> None:
    number = claim("OBSERVED", phone="+447700900555")
    mail = claim(email="anna.lindqvist@mail.example")
    told = await tell(event("interaction.started", "c1", number, mail, system="phones"))
    assert anna not in {one["id"] for one in told["customers"]}
    assert await held(program, anna) == []
    (links,) = await program.people.links([anna])  # type: ignore[list-item]
    assert [link.status.value for link in links] == ["PENDING"]


async def test_a_mail_of_the_same_person_is_not(tell: Any, program: Program, anna: str) -> None:
    number = claim("OBSERVED", phone="+447700900111")
    mail = claim(email="anna.lindqvist@mail.example")
    told = await tell(event("interaction.started", "c1", number, mail, system="phones"))
    assert [one["id"] for one in told["customers"]] == [anna]


# ---------------------------------------------------------------- visitors


VISITOR = claim("OBSERVED", visitorId="v-9c1d")
LOGIN = claim("AUTHENTICATED", accountNumber="ACC-77120")


async def visit(tell: Any, minute: float, *claims: Any, visitor: Any = VISITOR, **data: Any) -> Any:
    subject = f"s{minute}"
    return await tell(
        event("visit.recorded", subject, visitor, *claims, system="shop", minute=minute, **data)
    )


async def test_a_visitor_is_somebody(tell: Any, ask: Any) -> None:
    told = await visit(tell, 0)
    found = (await ask(LOOKUP, by={"visitorId": "v-9c1d"}))["customerLookup"]
    assert [one["id"] for one in told["customers"]] == [found["id"]]


async def test_a_visitor_who_logs_in_without_consent_stays_unknown(
    tell: Any, ask: Any, program: Program, anna: str
) -> None:
    await visit(tell, 0)
    await visit(tell, 1, LOGIN)
    assert await held(program, anna) == ["s1"]
    found = (await ask(LOOKUP, by={"visitorId": "v-9c1d"}))["customerLookup"]
    assert found["id"] != anna


async def test_with_consent_what_was_before_is_theirs(
    tell: Any, ask: Any, program: Program, anna: str
) -> None:
    await visit(tell, 0)
    await visit(tell, 1, LOGIN, consent=True)
    assert await held(program, anna) == ["s1", "s0"]
    found = (await ask(LOOKUP, by={"visitorId": "v-9c1d"}))["customerLookup"]
    assert found["id"] == anna


async def test_consent_that_is_withdrawn_takes_it_away_again(
    tell: Any, program: Program, anna: str
) -> None:
    await visit(tell, 0)
    await visit(tell, 1, LOGIN, consent=True)
    await visit(tell, 2, consent=False)
    assert await held(program, anna) == ["s1"]


async def test_two_who_share_a_device_stay_two(tell: Any, program: Program, anna: str) -> None:
    bea = await adopt(
        program, "2", full_name="Bea Holm", emails=("bea@post.example",), account_number="ACC-88001"
    )
    await visit(tell, 0)
    await visit(tell, 1, LOGIN, consent=True)
    await visit(tell, 2, claim("AUTHENTICATED", accountNumber="ACC-88001"), consent=True)
    assert await held(program, anna) == ["s1"]
    assert await held(program, bea) == ["s2"]
    (one, other) = await program.people.clusters([anna, bea])  # type: ignore[list-item]
    assert one is not None
    assert other is not None
    assert one.id != other.id


async def test_a_second_device_brings_up_the_question_of_the_first(
    tell: Any, program: Program, anna: str
) -> None:
    question = event("message.created", "chat-1", VISITOR, text="Does it fit a Brompton?", minute=0)
    await tell(question)
    await visit(tell, 1, LOGIN, consent=True)
    laptop = claim("OBSERVED", visitorId="v-laptop")
    await visit(tell, 30, LOGIN, visitor=laptop, consent=True)
    assert await held(program, anna) == ["s30", "s1", "chat-1"]


async def test_orders_of_arrival_come_to_the_same_people(
    tell: Any, program: Program, anna: str
) -> None:
    events = [
        event("visit.recorded", "s2", VISITOR, system="shop", minute=2),
        event("visit.recorded", "s1", VISITOR, LOGIN, system="shop", minute=1, consent=True),
        event("visit.recorded", "s0", VISITOR, system="shop", minute=0, consent=False),
    ]
    for one in events:
        await tell(one)
    assert await held(program, anna) == ["s2", "s1", "s0"]
    await asyncio.gather(*(tell(one) for one in events))
    assert await held(program, anna) == ["s2", "s1", "s0"]


# ---------------------------------------------------------------- now


ACTIVE = """query($by: CustomerKey!) { customer(by: $by) { activeInteractions {
  __typename id channel state owner { name }
  ... on Conversation { lastMessage { body } messages { nodes { body author { kind } } } }
  ... on Call { waitSeconds transcript { nodes { body } } } } } }"""


async def test_a_call_that_begins_while_a_chat_is_open_is_in_progress_beside_it(
    tell: Any, ask: Any, anna: str
) -> None:
    number = claim("OBSERVED", phone="+447700900111")
    mine = {"kind": "CUSTOMER", "id": "x"}
    await tell(
        event("interaction.started", "chat-1", LOGIN, minute=55, leaseSeconds=3600),
        event("message.created", "chat-1", minute=56, text="Where is it?", actor=mine),
        event("interaction.started", "old", number, system="phones", minute=1, leaseSeconds=60),
    )
    by = {"accountNumber": "ACC-77120"}
    shown = (await ask(ACTIVE, by=by))["customer"]["activeInteractions"]
    assert [one["__typename"] for one in shown] == ["Conversation"]
    assert shown[0]["messages"]["nodes"] == [
        {"body": "Where is it?", "author": {"kind": "CUSTOMER"}}
    ]
    await tell(
        event("interaction.started", "call-1", number, system="phones", minute=57, waitSeconds=8)
    )
    shown = (await ask(ACTIVE, by=by))["customer"]["activeInteractions"]
    assert [one["__typename"] for one in shown] == ["Call", "Conversation"]
    assert (shown[0]["state"], shown[0]["channel"]) == ("IN_PROGRESS", "VOICE")
    call = (await ask("query($id: ID!) { node(id: $id) { id } }", id=shown[0]["id"]))["node"]
    assert call == {"id": shown[0]["id"]}
    await tell(event("interaction.ended", "call-1", system="phones", minute=58))
    shown = (await ask(ACTIVE, by=by))["customer"]["activeInteractions"]
    assert [one["__typename"] for one in shown] == ["Conversation"]


# ---------------------------------------------------------------- who is who changes


async def test_a_split_gives_each_of_a_family_their_interactions_back(
    tell: Any, ask: Any, program: Program, anna: str
) -> None:
    """Anna and Ben were one customer by mistake while both of them called and wrote."""
    ben = await adopt(program, "3", full_name="Ben Lindqvist", phones=("+447700900333",))
    merge = """mutation($input: MergeInput!) { customerMerge(input: $input) {
      customers { id version } userErrors { message } } }"""
    split = """mutation($input: SplitInput!) { customerSplit(input: $input) {
      customers { id } userErrors { message } } }"""
    named = {"keep": {"id": anna, "expectedVersion": 1}, "reason": "one", "idempotencyKey": "m1"}
    absorbed = [{"id": ben, "expectedVersion": 1}]
    merged = (await ask(merge, input={**named, "absorb": absorbed}))["customerMerge"]
    assert merged["userErrors"] == []
    mail = claim("VERIFIED", email="anna.lindqvist@mail.example")
    number = claim("OBSERVED", phone="+447700900333")
    await tell(
        event("interaction.started", "her-mail", mail, system="mail", minute=1),
        event("interaction.started", "his-call", number, system="phones", minute=2),
    )
    assert await held(program, anna) == ["his-call", "her-mail"]
    row = SourceKey("crm", Kind.CONTACT, "3").node_id
    (one,) = merged["customers"]
    asked = {"customer": anna, "records": [row], "expectedVersion": one["version"]}
    said = {"reason": "two", "idempotencyKey": "s1"}
    parted = (await ask(split, input={**asked, **said}))["customerSplit"]
    assert parted["userErrors"] == []
    (other,) = {one["id"] for one in parted["customers"]} - {anna}
    assert await held(program, anna) == ["her-mail"]
    assert await held(program, other) == ["his-call"]
