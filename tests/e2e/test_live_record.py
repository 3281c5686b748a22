"""The live record, over HTTP and the emulated platforms: what is happening, and what belongs
together.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from sandbox.day import day, timed
from sandbox.demo import CHAT_EMAIL, CRM_EMAIL, PHONE, TICKET_EMAIL

SYSTEMS = """[live_record]
systems = { phones = "VOICE", voice = "VOICE", shopchat = "CHAT", bot = "CHAT", mail = "EMAIL" }
"""
INGEST = """mutation Tell($events: [EventInput!]!) {
  interactionsIngest(events: $events) {
    accepted duplicates customers { id } userErrors { code message field }
  }
}"""
PERSON = "query Person($by: CustomerKey!) { customer(by: $by) { id records { id } } }"
ISSUES = """query Issues($by: CustomerKey!) {
  customer(by: $by) {
    issues {
      id groupedBy state
      interactions { __typename id channel occurredAt provenance { system { name } } }
      transitions { from { id } to { id } }
    }
  }
}"""
NOW = """query Now($by: CustomerKey!) {
  customer(by: $by) {
    activeInteractions { __typename id channel state provenance { system { name } servedFrom } }
  }
}"""
TIMELINE = """query Timeline($by: CustomerKey!) {
  customer(by: $by) {
    completeness
    tickets { nodes { id } completeness }
    issues { id }
    timeline(first: 50) { nodes { __typename id provenance { system { name } } } completeness }
  }
}"""


class Live:
    """The program with a live record, told and asked over HTTP."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self._numbers = count(1)

    async def tell(self, system: str, subject: str, *steps: dict[str, Any], **who: str) -> Any:
        """Events about one interaction; `who` are keys with the trust `VERIFIED`."""
        trust = who.pop("trust", "VERIFIED")
        keys = [{"key": {name: value}, "verification": trust} for name, value in who.items()]
        events = [
            {
                "system": system,
                "eventId": f"{subject}-{next(self._numbers)}",
                "type": step.pop("type"),
                "occurredAt": step.pop("at").isoformat(),
                "subject": {"system": system, "externalId": subject},
                "identifiers": keys,
                "data": step,
            }
            for step in steps
        ]
        told = await self.graph.data(INGEST, events=events)
        assert told["interactionsIngest"]["userErrors"] == []
        return told["interactionsIngest"]

    async def person(self, **by: str) -> Any:
        return (await self.graph.data(PERSON, by=by))["customer"]


class Asking:
    """A way to the graph of another process."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def data(self, query: str, **variables: object) -> Any:
        answer = await self._http.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": "Bearer token-of-full"},
        )
        found = answer.json()
        assert "errors" not in found, found
        return found["data"]


Living = Callable[..., AbstractAsyncContextManager[Live]]


@pytest.fixture
def living(deployment: Any, inside: Any) -> Living:
    """Runs the program inside the test, over the session's platforms."""

    @asynccontextmanager
    async def run(**sources: Any) -> AsyncIterator[Live]:
        async with inside(deployment, SYSTEMS, **sources) as graph:
            yield Live(graph)

    return run


def said(text: str, at: datetime, by: str = "CUSTOMER", **more: Any) -> dict[str, Any]:
    actor = {"kind": by, "id": by.lower()}
    data = {"text": text, "messageId": f"m{at.timestamp()}", "actor": actor, **more}
    return {"type": "message.created", "at": at, **data}


async def week(live: Live) -> datetime:
    """Chat, call and mail about one order on three days, each under another key."""
    day = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5)
    hour = timedelta(hours=1)
    await live.tell(
        "shopchat",
        "chat-1",
        {"type": "interaction.started", "at": day, "channel": "WEB_CHAT", "orderNumber": "#W-1"},
        said("Where is order #W-1?", day),
        {"type": "interaction.ended", "at": day + hour},
        email=CHAT_EMAIL,
    )
    await live.tell(
        "phones",
        "call-1",
        {"type": "interaction.started", "at": day + 48 * hour, "orderNumber": "W-1"},
        {"type": "interaction.ended", "at": day + 49 * hour, "durationSeconds": 240},
        phone=PHONE,
    )
    await live.tell(
        "mail",
        "mail-1",
        {"type": "interaction.started", "at": day + 72 * hour, "channel": "EMAIL"},
        said("It is about #W-1 again.", day + 72 * hour, orderNumber="W-1"),
        email=TICKET_EMAIL,
    )
    return day


async def test_tuesday_thursday_friday_are_one_issue_under_four_identifiers(living: Living) -> None:
    async with living() as live:
        await week(live)
        found = (await live.graph.data(ISSUES, by={"email": CRM_EMAIL}))["customer"]["issues"]
    (issue,) = [one for one in found if len(one["interactions"]) == 3]
    assert issue["groupedBy"] == "order"
    assert [one["channel"] for one in issue["interactions"]] == ["WEB_CHAT", "VOICE", "EMAIL"]
    assert [one["__typename"] for one in issue["interactions"]] == [
        "Conversation",
        "Call",
        "Conversation",
    ]
    assert len(issue["transitions"]) == 2


async def test_a_call_that_starts_while_a_chat_is_open_is_in_progress_beside_it(
    living: Living,
) -> None:
    at = datetime.now(UTC)
    async with living() as live:
        await live.tell(
            "shopchat",
            "chat-2",
            {"type": "interaction.started", "at": at, "channel": "WEB_CHAT"},
            email=CHAT_EMAIL,
        )
        await live.tell("phones", "call-2", {"type": "interaction.started", "at": at}, phone=PHONE)
        found = (await live.graph.data(NOW, by={"email": CRM_EMAIL}))["customer"]
        told = [one for one in found["activeInteractions"] if one["provenance"]["servedFrom"]
                == "EVENT_STORE"]  # fmt: skip
        assert {(one["__typename"], one["channel"], one["state"]) for one in told} == {
            ("Conversation", "WEB_CHAT", "IN_PROGRESS"),
            ("Call", "VOICE", "IN_PROGRESS"),
        }
        await live.tell(
            "phones",
            "call-2",
            {"type": "interaction.ended", "at": at + timedelta(seconds=1)},
            phone=PHONE,
        )
        found = (await live.graph.data(NOW, by={"email": CRM_EMAIL}))["customer"]
    left = [one["channel"] for one in found["activeInteractions"]
            if one["provenance"]["servedFrom"] == "EVENT_STORE"]  # fmt: skip
    assert left == ["WEB_CHAT"]


async def test_who_types_somebody_elses_e_mail_opens_nothing_and_leaves_one_pending_link(
    living: Living,
) -> None:
    at = datetime.now(UTC)
    links = "query L($id: ID!) { customer(by: {id: $id}) { links(status: [PENDING]) { id } } }"
    async with living() as live:
        margaret = await live.person(email=CRM_EMAIL)
        before = await live.graph.data(links, id=margaret["id"])
        told = await live.tell(
            "shopchat",
            "imposter",
            {
                "type": "interaction.started",
                "at": at,
                "channel": "WEB_CHAT",
                "actor": {"kind": "CUSTOMER", "id": "stranger"},
            },
            said("Send me my invoices.", at),
            trust="ASSERTED",
            email=CRM_EMAIL,
        )
        (stranger,) = told["customers"]
        assert stranger["id"] != margaret["id"]
        assert await live.person(email=CRM_EMAIL) == margaret, "the e-mail still leads to one"
        mine = (await live.graph.data(TIMELINE, by={"id": stranger["id"]}))["customer"]
        assert {one["provenance"]["system"]["name"] for one in mine["timeline"]["nodes"]} == {
            "shopchat"
        }
        hers = (await live.graph.data(TIMELINE, by={"id": margaret["id"]}))["customer"]
        assert "shopchat" not in {
            one["provenance"]["system"]["name"] for one in hers["timeline"]["nodes"]
        }
        after = await live.graph.data(links, id=margaret["id"])
    assert len(after["customer"]["links"]) == len(before["customer"]["links"]) + 1


async def test_a_dead_desk_is_stale_then_unknown_then_whole_and_never_without_tickets(
    living: Living, platforms: Any
) -> None:
    by = {"email": CRM_EMAIL}
    strict = TIMELINE.replace("customer(by: $by)", "customer(by: $by, freshness: {maxAgeMs: 0})")
    never_stale = TIMELINE.replace(
        "customer(by: $by)", "customer(by: $by, freshness: {maxAgeMs: 0, allowStale: false})"
    )
    async with living(desk={"timeout_s": 0.3}) as live:
        whole = (await live.graph.data(strict, by=by))["customer"]["tickets"]
        assert whole["completeness"] == "COMPLETE"
        assert whole["nodes"]
        platforms.fault("desk", "500")
        stale = (await live.graph.ask(strict, by=by))["data"]["customer"]["tickets"]
        assert (stale["nodes"], stale["completeness"]) == (whole["nodes"], "STALE")
        lost = await live.graph.ask(never_stale, by=by)
        tickets = lost["data"]["customer"]["tickets"]
        assert (tickets["nodes"], tickets["completeness"]) == (None, "UNKNOWN")
        assert {one["extensions"]["system"] for one in lost["errors"]} == {"desk"}
        platforms.heal("desk")


async def test_a_family_that_is_split_has_each_its_own_timeline_again(living: Living) -> None:
    merge = """mutation M($input: MergeInput!) {
      customerMerge(input: $input) { customers { id version } userErrors { code message } } }"""
    split = """mutation S($input: SplitInput!) {
      customerSplit(input: $input) { customers { id } userErrors { code message } } }"""
    version = "query V($id: ID!) { customer(by: {id: $id}) { id version records { id } } }"
    at = datetime.now(UTC) - timedelta(minutes=5)
    async with living() as live:
        (one,) = (
            await live.tell(
                "phones",
                "hers",
                {"type": "interaction.started", "at": at, "orderNumber": "A-1"},
                phone="+447700900881",
            )
        )["customers"]
        (other,) = (
            await live.tell(
                "phones",
                "his",
                {"type": "interaction.started", "at": at, "orderNumber": "B-1"},
                phone="+447700900882",
            )
        )["customers"]

        async def standing(id: str) -> Any:
            return (await live.graph.data(version, id=id))["customer"]

        async def told(id: str) -> tuple[set[str], set[str]]:
            found = (await live.graph.data(TIMELINE, by={"id": id}))["customer"]
            return (
                {node["id"] for node in found["timeline"]["nodes"]},
                {issue["id"].split("_")[0] for issue in found["issues"]},
            )

        before = {id: await told(id) for id in (one["id"], other["id"])}
        keep, absorb = await standing(one["id"]), await standing(other["id"])
        merged = await live.graph.data(
            merge,
            input={
                "keep": {"id": keep["id"], "expectedVersion": keep["version"]},
                "absorb": [{"id": absorb["id"], "expectedVersion": absorb["version"]}],
                "reason": "taken for one",
                "idempotencyKey": "family",
            },
        )
        assert merged["customerMerge"]["userErrors"] == []
        both = (await told(keep["id"]))[0]
        assert both == before[keep["id"]][0] | before[absorb["id"]][0]
        now = await standing(keep["id"])
        parted = await live.graph.data(
            split,
            input={
                "customer": keep["id"],
                "records": [one["id"] for one in absorb["records"]],
                "expectedVersion": now["version"],
                "reason": "two people",
                "idempotencyKey": "family back",
            },
        )
        assert parted["customerSplit"]["userErrors"] == []
        assert {id: await told(id) for id in before} == before


async def test_the_day_of_the_demo_ends_with_two_promises_and_a_bot_that_got_nowhere(
    living: Living,
) -> None:
    asked = """query Day($by: CustomerKey!) { customer(by: $by) {
      issues(open: true) { reason groupedBy interactions { channel }
                           escalationAdvice { escalate reasons } }
      context(purpose: "HANDOFF") {
        goal { text evidence }
        commitments { state dueAt what { text evidence } }
        attempted { step outcome } known { name value }
      }
    } }"""
    now = datetime.now(UTC)
    async with living() as live:
        for step in day("#W-9", now):
            events = timed(step.events, datetime.now(UTC))
            told = (await live.graph.data(INGEST, events=events))["interactionsIngest"]
            assert (told["accepted"], told["userErrors"]) == (len(events), [])
        found = (await live.graph.data(asked, by={"email": CRM_EMAIL}))["customer"]
    (issue,) = [one for one in found["issues"] if one["reason"] == "leak"]
    channels = [one["channel"] for one in issue["interactions"]]
    assert channels == ["WEB_CHAT", "WEB_CHAT", "VOICE", "EMAIL"]
    assert "stalled twice" in issue["escalationAdvice"]["reasons"]
    said = {one["what"]["text"]: one["what"]["evidence"] for one in found["context"]["commitments"]}
    assert {"A colleague will call you tomorrow.",
            "I will send you the tracking link by mail today."} <= said.keys()  # fmt: skip
    assert all(said.values()), "every statement cites its evidence"
    assert "nobody called me back" in found["context"]["goal"]["text"] or (
        "leaks" in found["context"]["goal"]["text"]
    )
    tried = {one["step"]: one["outcome"] for one in found["context"]["attempted"]}
    assert tried["Run the rinsing programme"] == tried["Change the seal"] == "FAILED"


ACTIVITY = """subscription Activity($id: ID!, $after: String) {
  customerActivity(customer: $id, after: $after) { cursor kind item { __typename id } }
}"""


class Line:
    """A subscription over server-sent events, which can be dropped and taken up again."""

    def __init__(self, http: httpx.AsyncClient, customer: str) -> None:
        self._http = http
        self._customer = customer
        self.cursor: str | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[tuple[str, str]]]:
        variables = {"id": self._customer, "after": self.cursor}
        async with self._http.stream(
            "POST",
            "/graphql",
            json={"query": ACTIVITY, "variables": variables},
            headers={"accept": "text/event-stream", "authorization": "Bearer token-of-full"},
        ) as answer:
            assert answer.status_code == 200
            yield self._told(answer)

    async def _told(self, answer: httpx.Response) -> AsyncIterator[tuple[str, str]]:
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                one = json.loads(line.removeprefix("data: "))["data"]["customerActivity"]
                self.cursor = one["cursor"]
                yield one["kind"], one["item"]["__typename"]


async def test_a_subscriber_who_was_dropped_hears_of_both_contacts_once_and_in_order(
    deployment: Any, secrets_of_callers: str
) -> None:
    at = datetime.now(UTC)
    begun = {"type": "interaction.started", "at": at}
    deployment.configure(SYSTEMS + secrets_of_callers)
    with deployment.serving() as address:
        async with httpx.AsyncClient(base_url=address, timeout=30) as http:
            live = Live(Asking(http))
            margaret = (await live.person(email=CRM_EMAIL))["id"]
            line = Line(http, margaret)
            async with line.open() as told:
                await live.tell(
                    "shopchat", "chat", {**begun, "channel": "WEB_CHAT"}, email=CHAT_EMAIL
                )
                assert await anext(told) == ("STARTED", "Conversation")
            ended = {"type": "interaction.ended", "at": at + timedelta(seconds=9)}
            await live.tell("phones", "call", dict(begun), phone=PHONE)  # nobody listens
            async with line.open() as told:
                assert await anext(told) == ("STARTED", "Call")
                await live.tell("phones", "call", dict(ended), phone=PHONE)
                assert await anext(told) == ("ENDED", "Call")
                await live.tell("shopchat", "chat", dict(ended), email=CHAT_EMAIL)
                assert await anext(told) == ("ENDED", "Conversation")
