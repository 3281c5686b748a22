"""A made-up vendor, its connector, and a source over it: for edges real vendors rarely show."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx

from connectors.auth import Bearer, Secret
from connectors.httpx_sender import HttpxSender
from connectors.reading import Reading, Row, identifier, required, rfc3339
from connectors.request import get, post
from connectors.settings import SourceSettings
from connectors.source import open_source
from connectors.spec import (
    BatchRead,
    ChildRead,
    ChildrenAsk,
    Endpoint,
    Figure,
    GetAsk,
    KeyRead,
    Limits,
    Page,
    SearchAsk,
    Since,
    SinceAsk,
    Spec,
    StreamAsk,
    Via,
)
from domain.customer import KeyKind
from domain.ids import Kind
from domain.records import Contact, Ticket
from domain.sources import (
    ChildFilter,
    ChildPage,
    CursorKind,
    CursorPolicy,
    Parent,
    ParentBy,
    Source,
)
from domain.vocabulary import SystemKind, TicketStatus

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ALL = ChildFilter()
POLICY = CursorPolicy(
    kind=CursorKind.TIMESTAMP,
    resolution=timedelta(seconds=1),
    overlap=timedelta(seconds=30),
    covers=frozenset({Kind.CONTACT}),
    full_scan_every=timedelta(days=1),
)


def figure(value: int) -> Figure:
    return Figure(value, "made up for this test")


def contact(row: Row, at: Reading) -> Contact:
    external_id = identifier(row["id"])
    return Contact(
        key=at.key(Kind.CONTACT, external_id),
        provenance=at.provenance(external_id, updated_at=required(rfc3339(row["changed"]))),
        emails=tuple(row.get("emails", ())),
        merged_ids=tuple(row.get("was", ())),
    )


def ticket(row: Row, at: Reading) -> Ticket:
    external_id = identifier(row["id"])
    return Ticket(
        key=at.key(Kind.TICKET, external_id),
        provenance=at.provenance(external_id),
        occurred_at=required(rfc3339(row["at"])),
        subject=row.get("subject"),
        status=TicketStatus(row.get("status", "OPEN")),
        owner_ids=tuple(row["owners"]),
    )


def read_rows(data: Any, _ask: object) -> Page:
    return Page(
        rows=data["rows"],
        cursor=data.get("next"),
        failed=data.get("failed", ()),
        deleted=data.get("deleted", ()),
        resume=data.get("resume"),
    )


def ask_get(ask: GetAsk) -> Any:
    return post("/get", {"ids": list(ask.ids)})


def ask_children(ask: ChildrenAsk) -> Any:
    body = {
        "parents": list(ask.parents),
        "limit": ask.limit,
        "cursor": ask.cursor,
        "until": ask.until.isoformat() if ask.until else None,
        "fields": sorted(ask.fields) if ask.fields is not None else None,
    }
    return post("/children", body)


def ask_since(ask: SinceAsk) -> Any:
    return post(
        "/since", {"since": ask.since.isoformat() if ask.since else None, "cursor": ask.cursor}
    )


def ask_stream(ask: StreamAsk) -> Any:
    return post("/stream", {"cursor": ask.cursor})


def ask_search(ask: SearchAsk) -> Any:
    return get("/search", {"q": ask.key.value}) if ask.key.scope != "closed" else None


CHILD = ChildRead(ask=ask_children, read=read_rows, size=figure(3), page=figure(10), pages=4)


def make(
    answer: Callable[[str, Any], Any], clock: Any, telemetry: Any, **forms: Any
) -> tuple[Source, list[tuple[str, Any]]]:
    """A source over a vendor that answers by `answer(path, body)`, and the calls it got."""
    calls: list[tuple[str, Any]] = []

    instead = forms.pop("respond", None)

    async def respond(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else dict(request.url.params)
        calls.append((request.url.path, body))
        got = await instead(request) if instead else answer(request.url.path, body)
        return got if isinstance(got, httpx.Response) else httpx.Response(200, json=got)

    source = open_source(
        spec(**forms),
        "here",
        SourceSettings(connector="made_up", secrets={"token": Secret("planted")}),
        HttpxSender(httpx.MockTransport(respond)),
        clock=clock,
        telemetry=telemetry,
        dice=Random(7),
    )
    return source, calls


def spec(**forms: Any) -> Spec:
    people = Endpoint(
        map=contact,
        get_many=BatchRead(ask=ask_get, read=read_rows, size=figure(3)),
        search={
            KeyKind.EMAIL: KeyRead(ask=ask_search, read=read_rows),
            KeyKind.ORDER_NUMBER: KeyRead(ask=ask_search, read=read_rows, exact=False),
            KeyKind.HANDLE: KeyRead(ask=ask_search, read=read_rows),
        },
        changed_since=forms.get("changes", since()),
    )
    tickets = Endpoint(map=ticket, children=forms.get("children", {ParentBy.OWN: CHILD}))
    return Spec(
        connector="made_up",
        system=SystemKind.CRM,
        base_url="https://vendor.example",
        auth=Bearer(),
        limits=Limits(concurrency=figure(8)),
        kinds={Kind.CONTACT: people, Kind.TICKET: tickets},
    )


def since(**more: Any) -> Since:
    return Since(ask=ask_since, read=read_rows, policy=POLICY, **more)


def own(*ids: str) -> list[Parent]:
    return [Parent(ParentBy.OWN, i) for i in ids]


def row(number: int, *owners: str, minutes: int | None = None, **more: Any) -> dict[str, Any]:
    at = T0 + timedelta(minutes=number if minutes is None else minutes)
    return {"id": f"t{number:03}", "at": at.isoformat(), "owners": list(owners), **more}


def shown(page: Any) -> list[str]:
    assert isinstance(page, ChildPage), page
    return [record.key.external_id for record in page.items]


class Tickets:
    """A vendor that lists tickets of several parents newest first, page by page."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = sorted(rows, key=lambda r: (r["at"], r["id"]), reverse=True)

    def __call__(self, _path: str, body: Any) -> Any:
        wanted = set(body["parents"])
        rows = [r for r in self.rows if wanted & set(r["owners"])]
        rows = [r for r in rows if not body["until"] or r["at"] <= body["until"]]
        start = int(body["cursor"] or 0)
        end = start + body["limit"]
        return {"rows": rows[start:end], "next": str(end) if end < len(rows) else None}


def detour(vendor: Tickets, *contacts: dict[str, Any]) -> Callable[[str, Any], Any]:
    """People by e-mail, then their tickets."""

    def answer(path: str, body: Any) -> Any:
        if path == "/children":
            return vendor(path, body)
        wanted = {email.lower() for email in body["ids"]}
        found = [c for c in contacts if wanted & {e.lower() for e in c["emails"]}]
        return {"rows": [{**c, "changed": T0.isoformat()} for c in found]}

    return answer


BY_EMAIL = {
    ParentBy.OWN: CHILD,
    ParentBy.EMAIL: Via(ask=ask_get, read=read_rows, size=figure(2)),
}


def mail(*addresses: str) -> list[Parent]:
    return [Parent(ParentBy.EMAIL, a) for a in addresses]


def person(number: int, seconds: float) -> dict[str, Any]:
    return {"id": f"p{number:03}", "changed": (T0 + timedelta(seconds=seconds)).isoformat()}


class People:
    """A vendor that lists changes oldest first, `size` a page, by an offset, up to a cap."""

    def __init__(self, *rows: dict[str, Any], size: int = 2, cap: int = 6) -> None:
        self.rows, self.size, self.cap = list(rows), size, cap

    def __call__(self, _path: str, body: Any) -> Any:
        rows = sorted(self.rows, key=lambda r: (r["changed"], r["id"]))
        if body["since"]:
            rows = [r for r in rows if r["changed"] >= body["since"]]
        start = int(body["cursor"] or 0)
        end = start + self.size
        if body["since"] and end > self.cap:
            return httpx.Response(400)
        return {"rows": rows[start:end], "next": str(end) if end < len(rows) else None}
