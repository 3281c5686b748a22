"""Request Tracker's rows as records. Times are UTC; one that is not set reads 1970.

Source: REST2 of RT 5.0 (docs.bestpractical.com/rt/5.0.3/RT/REST2.html): users, tickets,
transactions and attachments.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import unescape

from connectors.reading import Reading, Row, RowError, identifier, known, required, text, texts
from domain.ids import Kind
from domain.records import Actor, Address, Contact, Message, Ticket
from domain.vocabulary import ActorKind, InteractionState, TicketStatus

# The default lifecycle. "stalled" waits, as a rule for the requestor.
STATUS = {
    "new": TicketStatus.NEW,
    "open": TicketStatus.OPEN,
    "stalled": TicketStatus.PENDING,
    "resolved": TicketStatus.RESOLVED,
    "rejected": TicketStatus.CLOSED,
    "deleted": TicketStatus.CLOSED,
}
STATE = {
    "new": InteractionState.QUEUED,
    "open": InteractionState.IN_PROGRESS,
    "stalled": InteractionState.WAITING,
    "resolved": InteractionState.ENDED,
    "rejected": InteractionState.ENDED,
    "deleted": InteractionState.ENDED,
}
NOBODY = "Nobody"
SYSTEM = "RT_System"
COMMENT = "Comment"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def contact(row: Row, at: Reading) -> Contact:
    """One user. The key is the number: the login, which references show as `id`, can be renamed."""
    external_id = identifier(row["id"])
    emails = texts(row.get("EmailAddress"))
    name = text(row.get("RealName"))
    return Contact(
        key=at.key(Kind.CONTACT, external_id),
        provenance=at.provenance(
            external_id, updated_at=required(_instant(row.get("LastUpdated"), at))
        ),
        # Of people who only ever wrote, the address stands in for the name.
        full_name=None if name in emails else name,
        emails=emails,
        phones=texts(row.get("MobilePhone"), row.get("HomePhone"), row.get("WorkPhone")),
        address=_address(row),
        company=text(row.get("Organization")),
        created_at=_instant(row.get("Created"), at),
        raw=row,
    )


def ticket(row: Row, at: Reading) -> Ticket:
    """One ticket, with those who asked (`Requestor`) as its owners."""
    external_id = identifier(row["id"])
    status, raw = known(STATUS, row.get("Status"), TicketStatus.UNKNOWN)
    state, _ = known(STATE, row.get("Status"), InteractionState.UNKNOWN)
    return Ticket(
        key=at.key(Kind.TICKET, external_id),
        provenance=at.provenance(
            external_id,
            updated_at=_instant(row.get("LastUpdated"), at),
            url=_page(row, external_id),
        ),
        occurred_at=required(_instant(row.get("Created"), at)),
        state=state,
        raw_state=raw,
        ended_at=_instant(row.get("Resolved"), at),
        owner=_owner(row.get("Owner")),
        number=external_id,
        subject=text(row.get("Subject")),
        status=status,
        raw_status=raw,
        priority=text(row.get("Priority")),
        category=text((row.get("Queue") or {}).get("Name")),
        owner_ids=texts(*(one.get("id") for one in row.get("Requestor") or ())),
    )


def message(row: Row, at: Reading) -> Message:
    """One thing said, with `ticket_id`, the `parts` of its text and the `customers` of its ticket
    put beside it by the reader.
    """
    external_id = f"{identifier(row['ticket_id'])}/{identifier(row['id'])}"
    created_at = required(_instant(row.get("Created"), at))
    return Message(
        key=at.key(Kind.MESSAGE, external_id),
        provenance=at.provenance(external_id, updated_at=created_at),
        at=created_at,
        author=_author(row),
        body=_body(row["parts"]),
        internal=row.get("Type") == COMMENT,
    )


def _instant(value: object, at: Reading) -> datetime | None:
    moment = at.instant(value)
    return None if moment == NEVER else moment


def _address(row: Row) -> Address | None:
    street = ", ".join(texts(row.get("Address1"), row.get("Address2")))
    names = ("City", "State", "Zip", "Country")
    city, region, postcode, country = (text(row.get(name)) for name in names)
    if not any((street, city, region, postcode, country)):
        return None
    return Address(
        street=street or None, city=city, region=region, postcode=postcode, country=country
    )


def _owner(row: Row | None) -> Actor | None:
    if row is None or row.get("Name") == NOBODY:
        return None
    name = text(row.get("RealName")) or text(row.get("Name"))
    return Actor(kind=ActorKind.HUMAN, id=identifier(row["id"]), name=name)


def _author(row: Row) -> Actor:
    """Who is among the customers of the ticket is one, RT itself is the system; anybody else who
    can write into it works here.
    """
    creator = row["Creator"]
    author_id, login = identifier(creator["id"]), text(creator.get("Name"))
    kind = ActorKind.CUSTOMER if author_id in row["customers"] else ActorKind.HUMAN
    if login == SYSTEM:
        kind = ActorKind.SYSTEM
    return Actor(kind=kind, id=author_id, name=text(creator.get("RealName")) or login)


def _body(parts: Sequence[Row]) -> str | None:
    """The plain text, else the HTML without its tags. A part with a file name is an attachment."""
    if not isinstance(parts, list):
        raise RowError("parts expected")
    for kind, read in (("text/plain", text), ("text/html", _untagged)):
        for part in parts:
            if part.get("ContentType") == kind and not part.get("Filename"):
                return read(part.get("Content"))
    return None


def _untagged(value: object) -> str | None:
    """HTML as the words in it; a tag ends a word."""
    bare = re.sub(r"<[^>]*>", " ", text(value) or "")
    return " ".join(unescape(bare).split()) or None


def _page(row: Row, external_id: str) -> str | None:
    """Where staff read it; the row's own `_url` is the API's."""
    root, found, _ = (text(row.get("_url")) or "").partition("/REST/2.0/")
    return f"{root}/Ticket/Display.html?id={external_id}" if found else None
