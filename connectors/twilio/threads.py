"""Threads of text messages, which Twilio does not have: all messages between two numbers.

The id of a thread must lead back to its numbers, and an id is shown to callers who may not see
numbers. It is therefore veiled with the account SID (veiling.py).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from connectors.reading import UNREADABLE, Options, Row, RowError, text
from connectors.spec import ChildrenAsk, GetAsk
from connectors.twilio.times import moment
from connectors.veiling import unveil, veil

_SEALED = re.compile("(?:[0-9a-f]{2}){9,80}")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


class Ends(NamedTuple):
    """The two numbers of a thread or call, as the source wrote them."""

    customer: str
    ours: str


def e164(value: str) -> bool:
    """ITU-T E.164: a plus sign and at most fifteen digits."""
    return _NUMBER.fullmatch(value) is not None


def sealed_id(external_id: str) -> bool:
    return _SEALED.fullmatch(external_id) is not None


def inbound(row: Row) -> bool:
    """Whether the customer wrote it. Raises RowError for a direction that is not known (Message
    resource: inbound, outbound-api, outbound-call, outbound-reply).
    """
    direction = text(row.get("direction")) or ""
    if direction != "inbound" and not direction.startswith("outbound-"):
        raise RowError("the direction is not known")
    return direction == "inbound"


def ends(row: Row) -> Ends:
    """Whose message it is. Raises RowError for a row that does not name both sides."""
    sender, receiver = text(row.get("from")), text(row.get("to"))
    if sender is None or receiver is None:
        raise RowError("no numbers")
    return Ends(sender, receiver) if inbound(row) else Ends(receiver, sender)


def seal(account: str, between: Ends) -> str:
    """The same two numbers always have the same id."""
    return veil(account, "~".join(between).encode())


def unseal(account: str, external_id: str) -> Ends | None:
    """None for an id that was not made for this account."""
    plain = unveil(account, external_id) if sealed_id(external_id) else None
    if plain is None:
        return None
    customer, _, ours = plain.decode().partition("~")
    return Ends(customer, ours)


def gathered(rows: Sequence[Row], ask: GetAsk | ChildrenAsk) -> list[Row]:
    """One row a thread: its id, whose it is, its first and its last message. Rows that cannot be
    placed are passed on.
    """
    account = account_of(ask.options)
    threads: dict[str, list[Row]] = {}
    unplaced: list[Row] = []
    for row in rows:
        try:
            moment(row)
            threads.setdefault(seal(account, ends(row)), []).append(row)
        except UNREADABLE:
            unplaced.append(row)
    return [*unplaced, *(_thread(*thread) for thread in threads.items())]


def account_of(options: Options) -> str:
    return str(options.get("account_sid", ""))


def _thread(external_id: str, rows: Iterable[Row]) -> dict[str, Any]:
    ranked = sorted(rows, key=lambda row: (moment(row), str(row.get("sid"))))
    return {"id": external_id, "first": ranked[0], "last": ranked[-1]}
