"""Calls of Segment's HTTP Tracking API (page, screen, track, identify) as events of a system.

Source: Segment, "HTTP Tracking API Source" and "Common Fields" of its specification. A visit is a
session, where the page names one (`context.sessionId`), else what a visitor does in a day (UTC).
Of an address only the path is kept: queries carry mails and tokens. Traits are read for
identifiers and not kept.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from domain.customer import KeyKind, LookupKey
from domain.errors import InputError
from domain.events import Claim, EventType
from domain.vocabulary import Channel, Verification
from resolvers.telling import Report

DESTINATION: Final = "knownas"
"""Our name among the `integrations` of a call."""
MOST_VALUE_CHARS: Final = 320
_SAYS = re.compile(r"message|question|contact|feedback|chat", re.I)
_PERSONAL = re.compile(r"personali[sz]ation|knownas", re.I)
_SEEN: Final = {"page": EventType.VISIT_RECORDED, "screen": EventType.VISIT_RECORDED}

Call = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Whose page, or server, sends. `trusted` is the server: it says who logged in."""

    system: str
    trusted: bool


def reports(site: Site, body: Call, now: datetime) -> list[Report]:
    """The events of one call, or of a batch. What this product has no use for (`group`, `alias`)
    and what its sender does not want to come here is left out. Raises InputError.
    """
    batch = body.get("batch", [body])
    if not isinstance(batch, list) or not all(isinstance(one, Mapping) for one in batch):
        raise InputError("batch: must be a list of objects")
    shared = {name: body[name] for name in ("context", "integrations", "sentAt") if name in body}
    calls = ({**shared, **one} for one in batch)
    made = (_report(site, one, now) for one in calls if _is_for_us(one))
    return [one for one in made if one is not None]


def write_key(body: Call) -> str | None:
    key = body.get("writeKey")
    return key if isinstance(key, str) else None


def _is_for_us(call: Call) -> bool:
    wanted = _table(call, "integrations")
    own = wanted.get(DESTINATION)
    return bool(wanted.get("All", True)) if own is None else bool(own)


def _report(site: Site, call: Call, now: datetime) -> Report | None:
    visitor = _text(call, "anonymousId")
    user = _text(call, "userId")
    who = visitor or user
    kind = call.get("type")
    if kind not in {*_SEEN, "track", "identify"}:
        return None
    if who is None:
        raise InputError("anonymousId or userId: one of them is needed")
    at = _time(call, now)
    type_, subject, data = _told(call, str(kind), _visit(call, who, at))
    consent = _consent(_table(call, "context").get("consent"))
    if consent is not None:
        data["consent"] = consent
    return Report(
        system=site.system,
        event_id=_text(call, "messageId") or _digest(call),
        type=type_.value,
        occurred_at=at,
        subject=(site.system, subject),
        claims=tuple(_claims(site, call, visitor, user)),
        data=data,
    )


def _told(call: Call, kind: str, visit: str) -> tuple[EventType, str, dict[str, Any]]:
    """Type, interaction and data. What a visitor writes is a conversation beside the visit."""
    properties = _table(call, "properties")
    if kind in _SEEN:
        return _SEEN[kind], visit, _page(call, properties)
    if kind == "identify":
        return EventType.UPDATED, visit, {"channel": Channel.SELF_SERVICE.value}
    name = _text(call, "event") or "track"
    said = _text(properties, "text") or _text(properties, "message")
    number = _text(properties, "order_id") or _text(properties, "orderNumber")
    order = {"orderNumber": number} if number else {}
    if said is not None and _SAYS.search(name):
        actor = {"kind": "CUSTOMER", "id": _text(call, "userId") or _text(call, "anonymousId")}
        data = {"channel": Channel.WEB_CHAT.value, "text": said, "actor": actor, **order}
        return EventType.MESSAGE_CREATED, f"{visit}/messages", data
    data = {"channel": Channel.SELF_SERVICE.value, "event": name, "properties": dict(properties)}
    return EventType.VISIT_RECORDED, visit, {**data, **order}


def _page(call: Call, properties: Call) -> dict[str, Any]:
    page = {**_table(_table(call, "context"), "page"), **properties}
    seen = {"path": _path(page), "title": _text(page, "title"), "name": _text(call, "name")}
    data: dict[str, Any] = {
        "channel": Channel.SELF_SERVICE.value,
        "page": {key: value for key, value in seen.items() if value},
    }
    referrer = _text(page, "referrer")
    if referrer:
        parts = urlsplit(referrer)
        data["referrer"] = f"{parts.scheme}://{parts.netloc}{parts.path}"
    return data


def _path(page: Call) -> str | None:
    path = _text(page, "path") or urlsplit(_text(page, "url") or "").path
    return path.partition("?")[0] or None


def _visit(call: Call, who: str, at: datetime) -> str:
    session = _table(call, "context").get("sessionId")
    if isinstance(session, str | int) and str(session):
        return f"{who}/{session}"
    return f"{who}/{at.date().isoformat()}"


def _claims(site: Site, call: Call, visitor: str | None, user: str | None) -> Iterator[Claim]:
    """What a page says of its user anybody may make it say."""
    proven = Verification.AUTHENTICATED if site.trusted else Verification.ASSERTED
    if visitor is not None:
        yield Claim(LookupKey(KeyKind.VISITOR_ID, visitor), Verification.OBSERVED)
    if user is not None:
        yield Claim(LookupKey(KeyKind.ACCOUNT_NUMBER, user), proven)
    traits = {**_table(_table(call, "context"), "traits"), **_table(call, "traits")}
    for name, kind in (("email", KeyKind.EMAIL), ("phone", KeyKind.PHONE)):
        value = _text(traits, name)
        if value is not None:
            yield Claim(LookupKey(kind, value), proven)


def _consent(said: object) -> bool | None:
    """Yes or no, or by category, as consent managers write it: what counts is personalisation."""
    if isinstance(said, bool):
        return said
    if not isinstance(said, Mapping):
        return None
    by_category = said.get("categoryPreferences")
    categories = by_category if isinstance(by_category, Mapping) else said
    found = [bool(on) for name, on in categories.items() if _PERSONAL.search(str(name))]
    return all(found) if found else None


# ---------------------------------------------------------------- values


def _table(call: Call, name: str) -> Call:
    found = call.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(call: Call, name: str) -> str | None:
    found = call.get(name)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str) or not found.strip():
        return None
    return found if name in ("text", "message") else found.strip()[:MOST_VALUE_CHARS]


def _time(call: Call, now: datetime) -> datetime:
    """When it happened by our clock: how long before it was sent, the sender's clock knows."""
    at = _instant(call.get("timestamp")) or _instant(call.get("originalTimestamp"))
    if at is None:
        return now
    sent = _instant(call.get("sentAt"))
    late = max(sent - at, timedelta(0)) if sent is not None else None
    return min(now - late if late is not None else at, now)


def _instant(said: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return None if found is None or found.tzinfo is None else found.astimezone(UTC)


def _digest(call: Call) -> str:
    """Of a call without a `messageId`: the same once more is the same."""
    said = {key: value for key, value in call.items() if key != "sentAt"}
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
