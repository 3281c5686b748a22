"""What a term of the search language means for a ticket or a user.

Source: Zendesk Support search reference (ticket, user and date properties).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sandbox.rows import Ticket, TicketUser
from sandbox.world import World
from sandbox.zendesk.errors import invalid_search
from sandbox.zendesk.query import Query, Term

# In the order "<" and ">" compare them.
STATUSES: Final = ("new", "open", "pending", "hold", "solved", "closed")
PRIORITIES: Final = ("low", "normal", "high", "urgent")

_RELATIVE: Final = re.compile(r"^(\d+)(minute|hour|day|week|month|year)s?$")
_UNITS: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}

Passes = Callable[[Term], bool]


class Conditions:
    """Judges rows of one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def ticket(self, row: Ticket, query: Query) -> bool:
        tests: dict[str, Passes] = {
            "": lambda term: _says(term.value, [row.subject, *_bodies(row)], row.id),
            "requester": lambda term: self._is_user(row.requester_id, term.value),
            "submitter": lambda term: self._is_user(row.submitter_id, term.value),
            "assignee": lambda term: self._is_user(row.assignee_id, term.value),
            "status": lambda term: _ranked(row.status, term, STATUSES),
            "priority": lambda term: _ranked(row.priority, term, PRIORITIES),
            "ticket_type": lambda term: _equal(row.kind, term.value),
            "subject": lambda term: _says(term.value, [row.subject]),
            "description": lambda term: _says(term.value, _bodies(row)),
            "tags": lambda term: _tagged(row.tags, term.value),
            "via": lambda term: _equal(row.channel, term.value),
            "external_id": lambda term: _equal(row.external_id, term.value),
            "created": lambda term: self._dated(row.created_at, term),
            "updated": lambda term: self._dated(row.updated_at, term),
        }
        return _holds(query, tests)

    def user(self, row: TicketUser, query: Query) -> bool:
        emails = [email for email in (row.email, *row.other_emails) if email]
        phones = [phone for phone in (row.phone, *row.other_phones) if phone]
        tests: dict[str, Passes] = {
            "": lambda term: _says(term.value, [row.name, row.notes or "", *emails, *phones]),
            "name": lambda term: _says(term.value, [row.name]),
            "email": lambda term: any(_matches(email, term.value) for email in emails),
            "phone": lambda term: any(_same_number(phone, term.value) for phone in phones),
            "role": lambda term: _equal(row.role, term.value),
            "notes": lambda term: _says(term.value, [row.notes or ""]),
            "tags": lambda term: _tagged(row.tags, term.value),
            "external_id": lambda term: _equal(row.external_id, term.value),
            "created": lambda term: self._dated(row.created_at, term),
            "updated": lambda term: self._dated(row.updated_at, term),
        }
        return _holds(query, tests)

    def _is_user(self, user_id: str | None, value: str) -> bool:
        """By id, by an e-mail, by words of the name; "none" is nobody."""
        if user_id is None or value == "none":
            return user_id is None and value == "none"
        if value.isdecimal():
            return user_id == value
        row = self._world.ticket_users.get(user_id)
        if row is None:
            return False
        if "@" in value:
            return value.lower() in {
                (email or "").lower() for email in (row.email, *row.other_emails)
            }
        return _says(value, [row.name])

    def _dated(self, at: datetime, term: Term) -> bool:
        start, end = self._span(term.value)
        return {
            ":": start <= at < end,
            "<": at < start,
            "<=": at < end,
            ">": at >= end,
            ">=": at >= start,
        }[term.operator]

    def _span(self, value: str) -> tuple[datetime, datetime]:
        """A day, a second, or the moment so long ago ("4hours": more recent is later)."""
        if (relative := _RELATIVE.match(value)) is not None:
            at = self._world.now() - int(relative[1]) * _UNITS[relative[2]]
            return at, at
        try:
            start = datetime.fromisoformat(value)
        except ValueError as problem:
            raise invalid_search(f"{value} is not a valid date") from problem
        start = start if start.tzinfo else start.replace(tzinfo=UTC)
        whole_day = len(value) == len("2026-01-01")
        return start, start + (timedelta(days=1) if whole_day else timedelta(seconds=1))


def _holds(query: Query, tests: Mapping[str, Passes]) -> bool:
    return all(any(_passes(term, tests) for term in group) for group in query.groups)


def _passes(term: Term, tests: Mapping[str, Passes]) -> bool:
    test = tests.get(term.name.removesuffix("_at"))
    if test is None:
        raise invalid_search(f"{term.name} is not a property that can be searched")
    return test(term) != term.negated


def _says(wanted: str, texts: Iterable[str], own_id: str | None = None) -> bool:
    """Every word of the phrase begins a word of the texts, in this order; or it is the row's id."""
    phrase = _words(wanted)
    return wanted == own_id or any(_follows(phrase, _words(text)) for text in texts)


def _follows(phrase: Sequence[str], words: Sequence[str]) -> bool:
    starts = range(len(words) - len(phrase) + 1)
    return any(
        all(word.startswith(part) for part, word in zip(phrase, words[start:], strict=False))
        for start in starts
    )


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^\w']+", text.lower().replace("*", "")) if word]


def _bodies(row: Ticket) -> list[str]:
    return [comment.body for comment in row.comments]


def _equal(held: str | None, wanted: str) -> bool:
    return held is None if wanted == "none" else (held or "").lower() == wanted.lower()


def _matches(held: str, wanted: str) -> bool:
    """Equality without regard to case, `*` standing for anything."""
    pattern = ".*".join(re.escape(part) for part in wanted.lower().split("*"))
    return re.fullmatch(pattern, held.lower()) is not None


def _same_number(held: str, wanted: str) -> bool:
    """Digits against digits; a leading `*` leaves open what comes before (a country code)."""
    return _matches(re.sub(r"\D", "", held), re.sub(r"[^\d*]", "", wanted))


def _tagged(held: Sequence[str], wanted: str) -> bool:
    return not held if wanted == "none" else bool(set(held) & set(wanted.lower().split(",")))


def _ranked(held: str | None, term: Term, ranks: Sequence[str]) -> bool:
    wanted = term.value.lower()
    if term.operator == ":":
        return _equal(held, wanted)
    if wanted not in ranks or held not in ranks:
        return False
    distance = ranks.index(held) - ranks.index(wanted)
    return {"<": distance < 0, "<=": distance <= 0, ">": distance > 0, ">=": distance >= 0}[
        term.operator
    ]
