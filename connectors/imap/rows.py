"""Mails and threads as rows: what the mapping is given. Ids are veiled (connectors/veiling.py)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.imap.errands import Text
from connectors.imap.mail import Person
from connectors.imap.threads import Mail
from connectors.veiling import mark, unveil, veil

SYSTEM = "mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Whose mailbox it is. `ours` are addresses and @domains, in lower case; `key` veils ids."""

    ours: frozenset[str] = field(repr=False)
    key: str = field(repr=False)

    def is_ours(self, address: str) -> bool:
        return address in self.ours or f"@{address.rpartition('@')[2]}" in self.ours

    def id_of(self, name: str) -> str:
        return veil(self.key, name.encode())

    def name_of(self, external_id: str) -> str | None:
        """None for an id that was not made for this mailbox."""
        plain = unveil(self.key, external_id)
        return plain.decode() if plain is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A thread as it stands in a list: its mails are oldest first."""

    external_id: str
    mails: Sequence[Mail] = field(repr=False)

    @property
    def at(self) -> datetime:
        return self.mails[0].at


def listings(
    desk: Desk, found: Mapping[str, Sequence[Mail]], until: datetime | None = None
) -> list[Listing]:
    """Newest first, then by id: so pages can be cut anywhere."""
    every = [Listing(external_id=desk.id_of(name), mails=some) for name, some in found.items()]
    kept = [one for one in every if until is None or one.at <= until]
    return sorted(kept, key=lambda one: (one.at, one.external_id), reverse=True)


def thread_row(desk: Desk, one: Listing, texts: Mapping[str, Text]) -> dict[str, Any]:
    return {
        "id": one.external_id,
        "at": one.at.isoformat(),
        "arrived": max(mail.arrived for mail in one.mails).isoformat(),
        "people": customers(desk, one.mails),
        "last": message_row(desk, one, one.mails[-1], texts),
    }


def message_row(desk: Desk, one: Listing, mail: Mail, texts: Mapping[str, Text]) -> dict[str, Any]:
    """One mail. The first of a thread begins with its subject."""
    text = texts.get(mail.name, Text()).shown
    opening = mail.header.subject if mail is one.mails[0] else None
    return {
        "id": message_id(desk, one, mail),
        "at": mail.at.isoformat(),
        "arrived": mail.arrived.isoformat(),
        "author": author(desk, one, mail),
        "body": "\n\n".join(filter(None, (opening, text))) or None,
    }


def message_id(desk: Desk, one: Listing, mail: Mail) -> str:
    return f"{one.external_id}/{mark(desk.key, mail.name.encode())}"


def customers(desk: Desk, mails: Iterable[Mail]) -> list[str]:
    """Addresses of everybody who is not ours, in the order in which they turned up."""
    people = (person.address for mail in mails for person in mail.header.people)
    return [address for address in dict.fromkeys(people) if not desk.is_ours(address)]


def author(desk: Desk, one: Listing, mail: Mail) -> dict[str, str | None]:
    """Customers are named by the thread and their place in it, never by their address: ids are
    shown to those who may not see addresses.
    """
    sender: Person | None = mail.header.sender
    if sender is None:
        return {"kind": "system", "id": SYSTEM, "name": None}
    if desk.is_ours(sender.address):
        kind = "system" if mail.header.automatic else "agent"
        return {"kind": kind, "id": mark(desk.key, sender.address.encode()), "name": sender.name}
    place = customers(desk, one.mails).index(sender.address) + 1
    return {"kind": "customer", "id": f"{one.external_id}:{place}", "name": sender.name}
