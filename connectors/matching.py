"""Whether a row carries a key, or satisfies a filter: what vendors' searches only promise."""

from datetime import timedelta

from domain.customer import KeyKind, LookupKey
from domain.records import Contact, Conversation, Message, Order, Record, Ticket
from domain.sources import ChildFilter, Fields, Parent, ParentBy, Position

AROUND = timedelta(days=31)
"""How far from `ChildFilter.around` a thing may lie: people say "in June"."""

_LOCAL_DIGITS = 7
"""A shorter run of digits names no subscriber on its own."""


def same_email(left: str, right: str) -> bool:
    return left.strip().casefold() == right.strip().casefold()


def same_phone(left: str, right: str) -> bool:
    """Whether two spellings can be one number. A number without a country matches any country: the
    identity graph decides, this only keeps a vendor's fuzzy search from handing over strangers.
    """
    one, other = (digits(value) for value in (left, right))
    short, long = sorted((one.lstrip("0"), other.lstrip("0")), key=len)
    if left.strip().startswith("+") and right.strip().startswith("+"):
        return one == other
    return len(short) >= _LOCAL_DIGITS and long.endswith(short)


def digits(value: str) -> str:
    return "".join(character for character in value if character.isdecimal())


def carries(contact: Contact, key: LookupKey) -> bool:
    """Whether the contact shows the key. True for kinds of key a contact does not show."""
    match key.kind:
        case KeyKind.EMAIL:
            return any(same_email(value, key.value) for value in contact.emails)
        case KeyKind.PHONE:
            return any(same_phone(value, key.value) for value in contact.phones)
        case KeyKind.ACCOUNT_NUMBER:
            return same_email(contact.account_number or "", key.value)
        case KeyKind.HANDLE:
            names = (h.name for h in contact.handles if h.platform == key.scope.lower())
            return any(same_email(name.lstrip("@"), key.value.lstrip("@")) for name in names)
        case KeyKind.EXTERNAL:
            return (key.scope, key.value) in contact.foreign_ids
    return True


def belongs(contact: Contact, parent: Parent) -> bool:
    """Whether the contact is the one a parent names."""
    match parent.by:
        case ParentBy.OWN:
            return parent.value in (contact.key.external_id, *contact.merged_ids)
        case ParentBy.EMAIL:
            return any(same_email(value, parent.value) for value in contact.emails)
        case ParentBy.PHONE:
            return any(same_phone(value, parent.value) for value in contact.phones)
        case ParentBy.FOREIGN:
            return any(parent.value == value for _, value in contact.foreign_ids)


def named(parent: Parent, owner: str) -> bool:
    """Whether an owner a row names is this parent."""
    match parent.by:
        case ParentBy.EMAIL:
            return same_email(owner, parent.value)
        case ParentBy.PHONE:
            return same_phone(owner, parent.value)
    return owner == parent.value


def spelling(by: ParentBy, value: str) -> str:
    """What two ways of writing one owner have in common; of phones, see `same_phone`."""
    return value.strip().casefold() if by is ParentBy.EMAIL else value


def position(record: Record) -> Position:
    """Where a child stands in a list that runs newest first."""
    if isinstance(record, Contact):
        raise AssertionError("contacts hang on nothing")
    at = record.at if isinstance(record, Message) else record.occurred_at
    return Position(at, record.key.external_id)


def satisfies(record: Record, where: ChildFilter) -> bool:
    """Whether a child is among those asked for."""
    if where.around is not None and abs(position(record).at - where.around) > AROUND:
        return False
    if isinstance(record, Order) and where.order_status and record.status not in where.order_status:
        return False
    if (
        isinstance(record, Ticket)
        and where.ticket_status
        and record.status not in where.ticket_status
    ):
        return False
    return not where.text or _says(record, where.text)


def needed(where: ChildFilter, fields: Fields) -> Fields:
    """`fields` with those the filter looks at."""
    if fields is None:
        return None
    status = {"status"} if where.order_status or where.ticket_status else set()
    words = {"number", "lines", "subject", "category", "last_message"} if where.text else set()
    return fields | status | words


def _says(record: Record, text: str) -> bool:
    """Whether every word is somewhere in what the record shows."""
    said = " ".join(_words(record)).casefold()
    return all(word in said for word in text.casefold().split())


def _words(record: Record) -> list[str]:
    shown: list[str | None] = []
    match record:
        case Order():
            lines = record.lines or ()
            shown = [record.number, *(x for line in lines for x in (line.title, line.sku))]
        case Ticket():
            shown = [record.number, record.subject, record.category]
        case Conversation():
            shown = [record.last_message.body] if record.last_message else []
    return [value for value in shown if value]
