"""The seeded world: people, the rows four systems hold of them, and the truth that joins them.

The world is the state behind all emulators. Rows are frozen (`sandbox/rows.py`); a change replaces
the row and moves its `updated_at` to the injected clock, which is how "changed since" sees it.
Emulators read `live()` and `get`, and write with `add`, `change` and `remove`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from sandbox.hooks import Change
from sandbox.rows import (
    ChatAdmin,
    ChatContact,
    Conversation,
    CrmContact,
    Order,
    Person,
    Row,
    ShopCustomer,
    Ticket,
    TicketUser,
)

R = TypeVar("R", bound=Row)
Clock = Callable[[], datetime]
Tell = Callable[[str, str, Row | None, Row | None], None]
"""Of a change: system, kind, the row before and after."""
Listener = Callable[[Change], None]

# The day the seeded history ends, so that one seed gives one world whenever it is built.
SEEDED_AT = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class TruthRow:
    """Whose row it is. `system`: the vendor; `kind`: contact, order, ticket, conversation."""

    system: str
    kind: str
    id: str
    person_id: str


class Table(Generic[R]):
    """Rows of one kind by id, in order of making. One writer: the event loop that serves them."""

    def __init__(
        self, system: str, kind: str, make_id: Callable[[int], str], tell: Tell, clock: Clock
    ) -> None:
        self.system = system
        self.kind = kind
        self._make_id = make_id
        self._tell = tell
        self._clock = clock
        self._rows: dict[str, R] = {}
        self._made = 0

    def next_id(self) -> str:
        """A fresh id in the vendor's style; ids never come back, not even after a removal."""
        self._made += 1
        return self._make_id(self._made)

    def add(self, row: R) -> R:
        if row.id in self._rows:
            raise ValueError(f"{self.system} {self.kind} {row.id} exists already")
        self._rows[row.id] = row
        self._tell(self.system, self.kind, None, row)
        return row

    def get(self, row_id: str) -> R | None:
        """The row with this id, deleted ones included, or None."""
        return self._rows.get(row_id)

    def live(self) -> Iterator[R]:
        return (row for row in self._rows.values() if row.deleted_at is None)

    def all(self) -> Iterator[R]:
        return iter(self._rows.values())

    def change(self, row_id: str, **changes: object) -> R:
        """Replace fields of a row; `updated_at` moves to now unless given. KeyError if unknown."""
        row = self._rows[row_id]
        stamped = {"updated_at": max(self._clock(), row.updated_at), **changes}
        changed = replace(row, **stamped)  # type: ignore[arg-type]  # checked by replace
        self._rows[row_id] = changed
        self._tell(self.system, self.kind, row, changed)
        return changed

    def remove(self, row_id: str) -> R:
        """Archive or delete: the row stays as a trace with `deleted_at`. KeyError if unknown."""
        return self.change(row_id, deleted_at=self._clock())

    def erase(self, row_id: str) -> None:
        """Forget a row for good. KeyError if unknown."""
        row = self._rows.pop(row_id)
        self._tell(self.system, self.kind, row, None)

    def __len__(self) -> int:
        return len(self._rows)


class World:
    """All emulated systems' state. `clock` stamps every change; `now()` is what emulators ask.

    No seeded stamp lies after `seeded_at`. `listeners` are told of every change, one by one.
    """

    def __init__(self, *, clock: Clock = utc_now, seeded_at: datetime = SEEDED_AT) -> None:
        self.now = clock
        self.seeded_at = seeded_at
        self.listeners: list[Listener] = []
        self._changes = 0
        self.people: dict[str, Person] = {}
        self.chat_admins: dict[str, ChatAdmin] = {}
        self.agent_ids: list[str] = []
        tell = self._tell
        self.crm_contacts: Table[CrmContact] = Table("hubspot", "contact", _crm_id, tell, clock)
        self.shop_customers: Table[ShopCustomer] = Table(
            "shopify", "contact", _shop_id, tell, clock
        )
        self.orders: Table[Order] = Table("shopify", "order", _order_id, tell, clock)
        self.ticket_users: Table[TicketUser] = Table("zendesk", "contact", _user_id, tell, clock)
        self.tickets: Table[Ticket] = Table("zendesk", "ticket", str, tell, clock)
        self.chat_contacts: Table[ChatContact] = Table("intercom", "contact", _chat_id, tell, clock)
        self.conversations: Table[Conversation] = Table(
            "intercom", "conversation", _conversation_id, tell, clock
        )
        self._parts_made = 0

    def _tell(self, system: str, kind: str, before: Row | None, after: Row | None) -> None:
        self._changes += 1
        if not self.listeners:
            return
        change = Change(
            system=system,
            kind=kind,
            number=self._changes,
            at=self.now(),
            before=before,
            after=after,
        )
        for listener in self.listeners:
            listener(change)

    def tables(self) -> tuple[Table[Any], ...]:
        return (
            self.crm_contacts,
            self.shop_customers,
            self.orders,
            self.ticket_users,
            self.tickets,
            self.chat_contacts,
            self.conversations,
        )

    def part_id(self) -> str:
        """A fresh id for what lives inside a row: comment, part, order line, shipment."""
        self._parts_made += 1
        return str(4_021_000_000_000 + 13 * self._parts_made)

    def truth(self) -> list[TruthRow]:
        """Every row whose person is known, deleted ones included."""
        return [
            TruthRow(table.system, table.kind, row.id, row.person_id)
            for table in self.tables()
            for row in table.all()
            if row.person_id is not None
        ]


def shop_amount(amount: Decimal) -> str:
    """An amount as Shopify's Decimal scalar writes it: "19.99", "20.0", yen "1200.0"."""
    text = f"{amount.normalize():f}"
    return text if "." in text else f"{text}.0"


def _crm_id(n: int) -> str:
    return str(101_250_000_000 + 151 * n)


def _shop_id(n: int) -> str:
    return str(7_104_512_900_000 + 32_768 * n)


def _order_id(n: int) -> str:
    return str(5_501_234_500_000 + 32_768 * n)


def _user_id(n: int) -> str:
    return str(361_234_567_000 + 97 * n)


def _chat_id(n: int) -> str:
    return f"{0x63A1B2C3D4E5F60718000000 + 0x1F3 * n:024x}"


def _conversation_id(n: int) -> str:
    return str(215_470_000_000 + 7 * n)
