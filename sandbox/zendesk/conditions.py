"""What a term of the search language means for a ticket or a user.

Source: Zendesk Support search reference (ticket, user and date properties).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

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

R = TypeVar("R", Ticket, TicketUser)
Test = Callable[[R, Term], bool]
Passes = Callable[[R], bool]

# Ticket properties that name a user, and the column with the user's id.
_USER_COLUMNS: Final = {
    "requester": "requester_id",
    "submitter": "submitter_id",
    "assignee": "assignee_id",
}


class Conditions:
    """Judges rows of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ticket_tests: Mapping[str, Test[Ticket]] = {
            "": lambda row, term: _says(term.value, [row.subject, *_bodies(row)], row.id),
            "requester": lambda row, term: self._is_user(row.requester_id, term.value),
            "submitter": lambda row, term: self._is_user(row.submitter_id, term.value),
            "assignee": lambda row, term: self._is_user(row.assignee_id, term.value),
            "status": lambda row, term: _ranked(row.status, term, STATUSES),
            "priority": lambda row, term: _ranked(row.priority, term, PRIORITIES),
            "ticket_type": lambda row, term: _equal(row.kind, term.value),
            "subject": lambda row, term: _says(term.value, [row.subject]),
            "description": lambda row, term: _says(term.value, _bodies(row)),
            "tags": lambda row, term: _tagged(row.tags, term.value),
            "via": lambda row, term: _equal(row.channel, term.value),
            "external_id": lambda row, term: _equal(row.external_id, term.value),
            "created": lambda row, term: self._dated(row.created_at, term),
            "updated": lambda row, term: self._dated(row.updated_at, term),
        }
        self._user_tests: Mapping[str, Test[TicketUser]] = {
            "": lambda row, term: _says(
                term.value, [row.name, row.notes or "", *_emails(row), *_phones(row)]
            ),
            "name": lambda row, term: _says(term.value, [row.name]),
            "email": lambda row, term: any(_matches(email, term.value) for email in _emails(row)),
            "phone": lambda row, term: any(
                _same_number(phone, term.value) for phone in _phones(row)
            ),
            "role": lambda row, term: _equal(row.role, term.value),
            "notes": lambda row, term: _says(term.value, [row.notes or ""]),
            "tags": lambda row, term: _tagged(row.tags, term.value),
            "external_id": lambda row, term: _equal(row.external_id, term.value),
            "created": lambda row, term: self._dated(row.created_at, term),
            "updated": lambda row, term: self._dated(row.updated_at, term),
        }

    def tickets(self, query: Query) -> list[Ticket]:
        """Live tickets that meet the query. Raises Refused for a property nobody knows."""
        groups = [_by_ids(group) or _any(group, self._ticket_tests) for group in query.groups]
        return [row for row in self._world.tickets.live() if all(test(row) for test in groups)]

    def users(self, query: Query) -> list[TicketUser]:
        groups = [_any(group, self._user_tests) for group in query.groups]
        return [row for row in self._world.ticket_users.live() if all(test(row) for test in groups)]

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
            return value.lower() in {email.lower() for email in _emails(row)}
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


def _any(group: Sequence[Term], tests: Mapping[str, Test[R]]) -> Passes[R]:
    """Whether one of the terms holds for a row."""
    chosen = [(_test(term, tests), term) for term in group]
    return lambda row: any(test(row, term) != term.negated for test, term in chosen)


def _by_ids(group: Sequence[Term]) -> Passes[Ticket] | None:
    """The same for many users named by id, without a look at each; None for other terms."""
    first = group[0]
    column = _USER_COLUMNS.get(first.name)
    if column is None or first.negated or not all(term.value.isdecimal() for term in group):
        return None
    wanted = {term.value for term in group}
    return lambda row: getattr(row, column) in wanted


def _test(term: Term, tests: Mapping[str, Test[R]]) -> Test[R]:
    test = tests.get(term.name.removesuffix("_at"))
    if test is None:
        raise invalid_search(f"{term.name} is not a property that can be searched")
    return test


def _emails(row: TicketUser) -> list[str]:
    return [email for email in (row.email, *row.other_emails) if email]


def _phones(row: TicketUser) -> list[str]:
    return [phone for phone in (row.phone, *row.other_phones) if phone]


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
