"""Salesforce rows as records. Times are UTC, with an offset.

Source: Object Reference (developer.salesforce.com/docs), Contact, Case and CaseComment. Status,
origin and priority of a case are picklists that each company fills itself: the standard words are
mapped, others are the option `case_statuses` and `case_origins`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from connectors.reading import (
    Reading,
    Row,
    RowError,
    identifier,
    iso_date,
    known,
    required,
    rfc3339,
    text,
    texts,
)
from domain.ids import Kind
from domain.records import Actor, Address, Contact, Message, Ticket
from domain.vocabulary import ActorKind, Channel, InteractionState, TicketStatus

E = TypeVar("E", bound=StrEnum)

# The words of a new org and of the documents (CaseStatus: "New, On Hold, or In Process").
STATUS = {
    "new": TicketStatus.NEW,
    "working": TicketStatus.OPEN,
    "in process": TicketStatus.OPEN,
    "in progress": TicketStatus.OPEN,
    "escalated": TicketStatus.OPEN,
    "waiting on customer": TicketStatus.PENDING,
    "on hold": TicketStatus.ON_HOLD,
    "closed": TicketStatus.CLOSED,
}
STATE = {
    TicketStatus.NEW: InteractionState.QUEUED,
    TicketStatus.OPEN: InteractionState.IN_PROGRESS,
    TicketStatus.PENDING: InteractionState.WAITING,
    TicketStatus.ON_HOLD: InteractionState.WAITING,
    TicketStatus.RESOLVED: InteractionState.ENDED,
    TicketStatus.CLOSED: InteractionState.ENDED,
}
# "Web" is a form the customer filled in (Web-to-Case).
CHANNEL = {
    "phone": Channel.VOICE,
    "email": Channel.EMAIL,
    "web": Channel.SELF_SERVICE,
    "chat": Channel.WEB_CHAT,
    "web chat": Channel.WEB_CHAT,
    "sms": Channel.SMS,
    "whatsapp": Channel.WHATSAPP,
    "facebook": Channel.SOCIAL,
    "twitter": Channel.SOCIAL,
}
# UserType of who made a comment (User): members of a portal or community are customers.
SPEAKER = {
    "standard": ActorKind.HUMAN,
    "csnonly": ActorKind.HUMAN,
    "powerpartner": ActorKind.HUMAN,
    "cspliteportal": ActorKind.CUSTOMER,
    "customersuccess": ActorKind.CUSTOMER,
    "powercustomersuccess": ActorKind.CUSTOMER,
    "guest": ActorKind.CUSTOMER,
    "automatedprocess": ActorKind.SYSTEM,
    "cloudintegrationuser": ActorKind.SYSTEM,
}
DESCRIPTION = "description"
"""The part of a message's id that says it is what the case was opened with."""


def contact(row: Row, at: Reading) -> Contact:
    """One contact. A merge deletes the one that lost; the winner does not name it."""
    external_id = identifier(row["Id"])
    changed_at = required(rfc3339(row["SystemModstamp"]), "SystemModstamp")
    account: Row = row.get("Account") or {}
    return Contact(
        key=at.key(Kind.CONTACT, external_id),
        provenance=at.provenance(external_id, updated_at=changed_at, url=_page(at, external_id)),
        full_name=text(row.get("Name")),
        given_name=text(row.get("FirstName")),
        family_name=text(row.get("LastName")),
        emails=texts(row.get("Email")),
        phones=texts(*(row.get(name) for name in PHONES)),
        account_number=_own(row, at.option("account_number_field")),
        address=_address(row),
        birth_date=iso_date(row.get("Birthdate")),
        company=text(account.get("Name")),
        created_at=rfc3339(row.get("CreatedDate")),
        foreign_ids=_foreign_ids(row, at),
        raw=row,
    )


def ticket(row: Row, at: Reading) -> Ticket:
    """One case. `IsClosed` holds whatever the status is called: a closed one is never open here."""
    external_id = identifier(row["Id"])
    status, raw = _worded(STATUS, row.get("Status"), at.table("case_statuses"), TicketStatus)
    if row.get("IsClosed") is True and STATE.get(status) is not InteractionState.ENDED:
        status = TicketStatus.CLOSED
    return Ticket(
        key=at.key(Kind.TICKET, external_id),
        provenance=at.provenance(
            external_id,
            updated_at=required(rfc3339(row["SystemModstamp"]), "SystemModstamp"),
            url=_page(at, external_id),
        ),
        occurred_at=required(rfc3339(row.get("CreatedDate"))),
        channel=_worded(CHANNEL, row.get("Origin"), at.table("case_origins"), Channel)[0],
        state=STATE.get(status, InteractionState.UNKNOWN),
        raw_state=raw,
        ended_at=rfc3339(row.get("ClosedDate")),
        owner=_owner(row),
        number=text(row.get("CaseNumber")),
        subject=text(row.get("Subject")),
        status=status,
        raw_status=raw,
        priority=text(row.get("Priority")),
        category=text(row.get("Type")) or text(row.get("Reason")),
        owner_ids=texts(row.get("ContactId")),
    )


def message(row: Row, at: Reading) -> Message:
    """A comment of a case, or, of a case itself, what it was opened with."""
    if "ParentId" not in row:
        return _description(row, at)
    external_id = f"{identifier(row['ParentId'])}/{identifier(row['Id'])}"
    return Message(
        key=at.key(Kind.MESSAGE, external_id),
        provenance=at.provenance(external_id, updated_at=rfc3339(row.get("SystemModstamp"))),
        at=required(rfc3339(row.get("CreatedDate"))),
        author=_author(row.get("CreatedBy") or {}),
        body=text(row.get("CommentBody")),
        # Only what the source has published to the customer is shown to everybody.
        internal=row.get("IsPublished") is not True,
    )


PHONES: Sequence[str] = ("Phone", "MobilePhone", "HomePhone", "OtherPhone")


def _description(row: Row, at: Reading) -> Message:
    """In the customer's name: that is whose matter it puts down, whoever typed it."""
    case_id = identifier(row["Id"])
    external_id = f"{case_id}/{DESCRIPTION}"
    return Message(
        key=at.key(Kind.MESSAGE, external_id),
        provenance=at.provenance(external_id, updated_at=rfc3339(row.get("SystemModstamp"))),
        at=required(rfc3339(row.get("CreatedDate"))),
        author=Actor(kind=ActorKind.CUSTOMER, id=text(row.get("ContactId")) or case_id),
        body=text(row.get("Description")),
    )


def _worded(
    words: Mapping[str, E], raw: object, own: Mapping[str, str], kind: type[E]
) -> tuple[E, str | None]:
    """The company's own table first; a value of it that does not exist is as unknown as a word."""
    unknown = kind("UNKNOWN")
    table = {word.lower(): kind.__members__.get(value, unknown) for word, value in own.items()}
    return known({**words, **table}, raw, unknown)


def _author(user: Row) -> Actor:
    """Raises RowError for a type of user that is not known: no message gets a wrong speaker."""
    speaker = SPEAKER.get((text(user.get("UserType")) or "").lower())
    if speaker is None:
        raise RowError("the author's type is not known")
    return Actor(kind=speaker, id=identifier(user["Id"]), name=text(user.get("Name")))


def _owner(row: Row) -> Actor | None:
    """A queue is nobody yet."""
    owner: Row = row.get("Owner") or {}
    if owner.get("Type") != "User":
        return None
    return Actor(kind=ActorKind.HUMAN, id=identifier(row["OwnerId"]), name=text(owner.get("Name")))


def _address(row: Row) -> Address | None:
    address = Address(
        street=text(row.get("MailingStreet")),
        city=text(row.get("MailingCity")),
        region=text(row.get("MailingState")),
        postcode=text(row.get("MailingPostalCode")),
        country=text(row.get("MailingCountry")),
    )
    return None if address == Address() else address


def _foreign_ids(row: Row, at: Reading) -> tuple[tuple[str, str], ...]:
    pairs = ((system, _own(row, name)) for system, name in at.table("foreign_ids").items())
    return tuple((system, found) for system, found in pairs if found)


def _own(row: Row, name: str) -> str | None:
    return text(row.get(name)) if name else None


def _page(at: Reading, external_id: str) -> str | None:
    """Where an agent reads it: an id after the org's host leads to the record's page."""
    domain = at.option("domain")
    return f"https://{domain}.my.salesforce.com/{external_id}" if domain else None
