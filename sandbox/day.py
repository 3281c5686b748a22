"""A day of Margaret Ellison, played while somebody looks on.

Last night at 23:00 a bot tried twice and got nowhere; this morning she chats about the order that
replaces her machine, telephones while the chat is still open, its parcel goes out for delivery
meanwhile, and what was promised on the telephone comes by mail. Each time she is known by another
key.

    for step in day(order_name, now): wait step.after_s, then tell its events or do its deed
"""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit

from sandbox.demo import CHAT_EMAIL, PHONE, TICKET_EMAIL
from sandbox.rows import Order
from sandbox.world import World

BOT: Final = {"kind": "AI", "id": "night-bot", "name": "Night bot"}
DORA: Final = {"kind": "HUMAN", "id": "dora", "name": "Dora"}
MARGARET: Final = {"kind": "CUSTOMER", "id": "margaret", "name": "Margaret Ellison"}
Event = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """After so many seconds: events as `interactionsIngest` takes them, and whether her parcel goes
    out. Times of `events` are left open where they are of the moment they are told.
    """

    after_s: float
    what: str
    events: tuple[Event, ...] = ()
    parcel_goes_out: bool = False


@dataclass(slots=True)
class _Thread:
    """One interaction: its events, each under an id of its own."""

    system: str
    subject: str
    key: dict[str, str]
    numbers: count[int] = field(default_factory=lambda: count(1))

    def event(self, type: str, at: datetime | None = None, **data: Any) -> Event:
        number = next(self.numbers)
        return {
            "system": self.system,
            "eventId": f"{self.subject}/{number}",
            "type": type,
            "occurredAt": None if at is None else at.isoformat(),
            "sequence": number,
            "subject": {"system": self.system, "externalId": self.subject},
            "identifiers": [{"key": self.key, "verification": "VERIFIED"}],
            "data": data,
        }

    def said(self, text: str, by: dict[str, str] = MARGARET, at: datetime | None = None) -> Event:
        name = f"{self.subject}-{text[:12]}"
        return self.event("message.created", at, text=text, messageId=name, actor=by)


def day(order_name: str, now: datetime) -> list[Step]:
    """`order_name` is what the buyer reads, as "#1042"; times are aware."""
    stamp = f"{now:%Y%m%d%H%M%S}"
    night = _Thread("bot", f"night-{stamp}", {"email": CHAT_EMAIL})
    chat = _Thread("bot", f"chat-{stamp}", {"email": CHAT_EMAIL})
    call = _Thread("voice", f"call-{stamp}", {"phone": PHONE})
    mail = _Thread("mail", f"mail-{stamp}", {"email": TICKET_EMAIL})
    return [
        Step(after_s=0, what="last night a bot got nowhere", events=_night(night, order_name, now)),
        Step(after_s=8, what="a chat begins", events=_chat(chat, order_name)),
        Step(after_s=15, what="she calls while the chat is open", events=_call(call, order_name)),
        Step(after_s=10, what="the parcel goes out for delivery", parcel_goes_out=True),
        Step(
            after_s=12,
            what="a promise, and the call ends",
            events=(
                call.said("I will send you the tracking link by mail today.", DORA),
                call.event("interaction.ended", durationSeconds=190),
            ),
        ),
        Step(
            after_s=10,
            what="the mail, and the chat ends",
            events=(*_mail(mail, order_name), chat.event("interaction.ended")),
        ),
    ]


def _night(thread: _Thread, order_name: str, now: datetime) -> tuple[Event, ...]:
    eleven = datetime.combine(now.date() - timedelta(days=1), time(23), now.tzinfo)
    at = [eleven + timedelta(minutes=n) for n in range(7)]
    return (
        thread.event(
            "interaction.started",
            at[0],
            actor=MARGARET,
            channel="WEB_CHAT",
            orderNumber=order_name,
            reason="leak",
        ),
        thread.said(f"My machine still leaks. Where is the new one, {order_name}?", at=at[1]),
        thread.event(
            "step.attempted", at[2], actor=BOT, step="Run the rinsing programme", outcome="FAILED"
        ),
        thread.said("I ran it and it still leaks.", at=at[3]),
        thread.event("step.attempted", at[4], actor=BOT, step="Change the seal", outcome="FAILED"),
        thread.said(
            "I cannot solve this tonight. A colleague will call you tomorrow.", BOT, at=at[5]
        ),
        thread.event("interaction.ended", at[6]),
    )


def _chat(thread: _Thread, order_name: str) -> tuple[Event, ...]:
    return (
        thread.event(
            "interaction.started",
            actor=MARGARET,
            channel="WEB_CHAT",
            orderNumber=order_name,
            leaseSeconds=900,
        ),
        thread.said(f"Good morning, has {order_name} left your warehouse yet?"),
    )


def _call(thread: _Thread, order_name: str) -> tuple[Event, ...]:
    return (
        thread.event(
            "interaction.started",
            actor=MARGARET,
            orderNumber=order_name,
            waitSeconds=42,
            leaseSeconds=900,
        ),
        thread.said("I chatted with your bot last night and nobody called me back."),
    )


def _mail(thread: _Thread, order_name: str) -> tuple[Event, ...]:
    return (
        thread.event(
            "interaction.started", actor=MARGARET, channel="EMAIL", orderNumber=order_name
        ),
        thread.said(f"As promised, here is how to follow {order_name}.", DORA),
    )


# ---------------------------------------------------------------- on the platforms


def order_under_way(world: World) -> Order:
    """Her order whose parcel is on its way: the replacement."""
    mine = {shopper.id for shopper in world.shop_customers.live() if shopper.phone == PHONE}
    return next(
        order
        for order in world.orders.live()
        if order.customer_id in mine
        and any(parcel.display_status == "IN_TRANSIT" for parcel in order.shipments)
    )


def send_out(world: World, order_id: str, now: datetime) -> None:
    """The parcels of the order go out for delivery; whoever listens to the world is told."""
    order = world.orders.get(order_id)
    if order is None:
        raise LookupError("the order is gone")
    parcels = tuple(
        replace(parcel, display_status="OUT_FOR_DELIVERY", updated_at=now)
        for parcel in order.shipments
    )
    world.orders.change(order_id, shipments=parcels, updated_at=now)


def timed(events: Sequence[Event], now: datetime) -> list[Event]:
    """The events as they are told at a moment: what has no time has this one."""
    return [{**one, "occurredAt": one["occurredAt"] or now.isoformat()} for one in events]


# ---------------------------------------------------------------- playing

TELL: Final = """mutation Tell($events: [EventInput!]!) {
  interactionsIngest(events: $events) { accepted userErrors { message } }
}"""
TIMEOUT_S: Final = 30.0
Wait = Callable[[float], Awaitable[object]]


class Player:
    """Plays the day over HTTP, to a graph at `url` that takes events without a token. `told` hears
    of each step.
    """

    def __init__(self, world: World, url: str, told: Callable[[str], None]) -> None:
        self._world = world
        self._url = urlsplit(url)
        self._told = told

    async def play(self, wait: Wait = asyncio.sleep) -> None:
        """Raises RuntimeError where what is told is refused, and OSError."""
        order = order_under_way(self._world)
        for step in day(order.name, self._world.now()):
            await wait(step.after_s)
            if step.parcel_goes_out:
                send_out(self._world, order.id, self._world.now())
            if step.events:
                events = timed(step.events, self._world.now())
                await asyncio.to_thread(self._tell, events)
            self._told(step.what)

    def _tell(self, events: Sequence[Event]) -> None:
        connection = http.client.HTTPConnection(self._url.netloc, timeout=TIMEOUT_S)
        body = json.dumps({"query": TELL, "variables": {"events": events}})
        with closing(connection):
            headers = {"content-type": "application/json", "accept": "application/json"}
            connection.request("POST", "/graphql", body=body, headers=headers)
            answer = json.loads(connection.getresponse().read())
        told = (answer.get("data") or {}).get("interactionsIngest") or {}
        if "errors" in answer or told.get("userErrors"):
            raise RuntimeError(f"refused: {answer.get('errors') or told['userErrors']}")
