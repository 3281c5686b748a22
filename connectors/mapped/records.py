"""Which fields a mapping may give each kind of record, and the record they make."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from connectors.mapped.converters import foreign_ids
from connectors.mapped.paths import Path
from connectors.mapped.recipes import Recipe, Step, recipe
from connectors.mapped.rules import (
    DATE,
    IDENTIFIER,
    MONEY,
    NUMBER,
    TEXT,
    TEXTS,
    TIME,
    YES_OR_NO,
    Code,
    Rule,
    path_of,
)
from connectors.mapped.tables import Table
from connectors.reading import RowError, required
from domain.ids import Kind, SourceKey
from domain.provenance import Provenance
from domain.records import (
    RECORD_TYPES,
    Actor,
    Address,
    Handle,
    Message,
    OrderLine,
    Shipment,
)
from domain.vocabulary import (
    ActorKind,
    Channel,
    InteractionState,
    OrderStatus,
    TicketStatus,
    Verification,
)

STATES = {
    TicketStatus.NEW: InteractionState.QUEUED,
    TicketStatus.OPEN: InteractionState.IN_PROGRESS,
    TicketStatus.PENDING: InteractionState.WAITING,
    TicketStatus.ON_HOLD: InteractionState.WAITING,
    TicketStatus.RESOLVED: InteractionState.ENDED,
    TicketStatus.CLOSED: InteractionState.ENDED,
}
"""What a ticket's status says of the interaction, where the mapping has no state of its own."""

_PLAIN: dict[Kind, dict[str, tuple[str, ...]]] = {
    Kind.CONTACT: {
        **dict.fromkeys(("full_name", "given_name", "family_name"), TEXT),
        **dict.fromkeys(("account_number", "company"), TEXT),
        **dict.fromkeys(("emails", "phones", "merged_ids"), TEXTS),
        "birth_date": DATE,
        "created_at": TIME,
    },
    Kind.ORDER: {"number": TEXT, "total": MONEY, "owner_ids": TEXTS},
    Kind.TICKET: {
        **dict.fromkeys(("number", "subject", "priority", "category"), TEXT),
        "ended_at": TIME,
        "owner_ids": TEXTS,
    },
    Kind.CONVERSATION: {"ended_at": TIME, "owner_ids": TEXTS},
    Kind.CALL: {
        **dict.fromkeys(("duration_seconds", "wait_seconds"), NUMBER),
        "ended_at": TIME,
        "owner_ids": TEXTS,
    },
    Kind.MESSAGE: {
        "body": TEXT,
        "edited_at": TIME,
        **dict.fromkeys(("internal", "deleted"), YES_OR_NO),
    },
}
_WORDED: dict[Kind, dict[str, tuple[type[StrEnum], StrEnum, str]]] = {
    Kind.CONTACT: {"verification": (Verification, Verification.OBSERVED, "_raw")},
    Kind.ORDER: {
        "status": (OrderStatus, OrderStatus.UNKNOWN, "raw_status"),
        "channel": (Channel, Channel.UNKNOWN, "_raw"),
    },
    Kind.TICKET: {
        "status": (TicketStatus, TicketStatus.UNKNOWN, "raw_status"),
        "channel": (Channel, Channel.UNKNOWN, "_raw"),
        "state": (InteractionState, InteractionState.UNKNOWN, "raw_state"),
    },
    Kind.CONVERSATION: {
        "channel": (Channel, Channel.UNKNOWN, "_raw"),
        "state": (InteractionState, InteractionState.UNKNOWN, "raw_state"),
    },
    Kind.CALL: {
        "channel": (Channel, Channel.UNKNOWN, "_raw"),
        "state": (InteractionState, InteractionState.UNKNOWN, "raw_state"),
    },
    Kind.MESSAGE: {},
}
_MOMENT = {Kind.CONTACT: "", Kind.MESSAGE: "at"}
_LINE = {"sku": TEXT, "title": TEXT, "quantity": NUMBER, "price": MONEY, "warranty_until": TIME}
_SHIPMENT = {
    **dict.fromkeys(("carrier", "tracking_number", "tracking_url", "status"), TEXT),
    "eta": TIME,
}
_ADDRESS = dict.fromkeys(("street", "city", "region", "postcode", "country"), TEXT)


@dataclass(slots=True)
class _Record:
    """A record under construction."""

    kind: Kind
    table: Table
    code: Code
    steps: list[Step] = field(default_factory=list)
    arguments: dict[str, str] = field(default_factory=dict)

    def step(self, name: str, expression: str, also: str = "") -> None:
        """An attribute that is worked out; `also` is the attribute its second half goes to."""
        target = f"v_{name}, v_{also}" if also else f"v_{name}"
        self.steps.append(Step(name, target, expression))
        self.arguments[name] = f"v_{name}"
        if also and not also.startswith("_"):
            self.arguments[also] = f"v_{also}"

    def plain(self, name: str, allowed: tuple[str, ...]) -> str:
        return Rule(self.table, name, self.code).converted(allowed)

    def bind(self, value: object) -> str:
        return self.code.bind(value)


def read_fields(kind: Kind, table: Table, code: Code) -> Recipe:
    """The recipe of `[<kind>.fields]`; what is wrong is noted in the table."""
    record = _Record(kind, table, code)
    _identity(record)
    _plain(record)
    _worded(record)
    for name, read in _PARTS.get(kind, {}).items():
        table.raw(name)
        if name in table:
            read(record, name)
    if kind is Kind.TICKET and "state" not in table and "status" in table:
        states, unknown = record.bind(STATES.get), record.bind(InteractionState.UNKNOWN)
        record.steps.append(Step("", "v_state", f"{states}(v_status, {unknown})"))
        record.arguments |= {"state": "v_state", "raw_state": "v_raw_status"}
    if kind is Kind.CONTACT:
        record.arguments["raw"] = "row"
    table.done()
    call = ", ".join(f"{name}={value}" for name, value in record.arguments.items())
    made = f"{record.bind(RECORD_TYPES[kind])}({call})"
    return recipe(kind, record.steps, made, code, _owners(kind, table))


def _identity(record: _Record) -> None:
    """Id, provenance and time: what a row cannot be placed without."""
    table, kind, bind = record.table, record.kind, record.bind
    needed = ["id", *([_moment(kind)] if _moment(kind) else [])]
    needed += ["thread", "author"] if kind is Kind.MESSAGE else []
    for name in needed:
        if table.raw(name) is None:
            table.wrong(name, "must be set")
    own = record.plain("id", IDENTIFIER) if "id" in table else "None"
    if kind is Kind.MESSAGE and "thread" in table:
        record.steps.append(Step("thread", "thread", record.plain("thread", IDENTIFIER)))
        own = f"thread + '/' + {own}"
    record.steps.append(Step("id", "own_id", own))
    for name, allowed in (("updated_at", TIME), ("url", TEXT)):
        table.raw(name)
        expression = record.plain(name, allowed) if name in table else "None"
        record.steps.append(Step(name if name in table else "", name, expression))
    system = "at.system"
    key = f"{bind(SourceKey)}({system}.name, {bind(kind)}, own_id)"
    provenance = (
        f"{bind(Provenance)}(system={system}, external_id=own_id, fetched_at=at.fetched_at,"
        " source_updated_at=updated_at, url=url)"
    )
    record.steps.append(Step("", "provenance", provenance))
    record.arguments |= {"key": key, "provenance": "provenance"}
    moment = _moment(kind)
    if moment and moment in table:
        record.step(moment, f"{bind(required)}({record.plain(moment, TIME)})")


def _plain(record: _Record) -> None:
    for name, allowed in _PLAIN[record.kind].items():
        record.table.raw(name)
        if name in record.table:
            record.step(name, record.plain(name, allowed))


def _worded(record: _Record) -> None:
    for name, (kind, unknown, also) in _WORDED[record.kind].items():
        record.table.raw(name)
        if name in record.table:
            expression = Rule(record.table, name, record.code).worded(kind, unknown)
            record.step(name, expression, f"_{name}" if also == "_raw" else also)


def _moment(kind: Kind) -> str:
    return _MOMENT.get(kind, "occurred_at")


def _owners(kind: Kind, table: Table) -> Path | None:
    """Where a row names its customer, if it does so at one path."""
    if kind is Kind.CONTACT:
        return None
    written = table.raw("thread" if kind is Kind.MESSAGE else "owner_ids")
    return path_of(table, "owner_ids", written) if isinstance(written, str) else None


# ---------------------------------------------------------------- parts that are tables


def _address(record: _Record, name: str) -> None:
    found = _inner(record, name, _ADDRESS)
    record.step(name, f"{record.bind(_or_none)}({record.bind(Address)}({found}))")


def _handles(record: _Record, name: str) -> None:
    """Names by platform."""
    pairs = _pairs(record, name, str.lower)
    record.step(name, f"{record.bind(_as_handles)}({record.bind(foreign_ids)}({pairs}))")


def _foreign_ids(record: _Record, name: str) -> None:
    """Ids by the name of the source they are of."""
    record.step(name, f"{record.bind(foreign_ids)}({_pairs(record, name, str)})")


def _pairs(record: _Record, name: str, spelt: Callable[[str], str]) -> str:
    own = record.table.table(name)
    if own is None:
        return ""
    names = [(each, Rule(own, each, record.code).converted(TEXT)) for each in own]
    return ", ".join(f"({record.bind(spelt(each))}, {found})" for each, found in names)


def _many(made: type[Any], fields: Mapping[str, tuple[str, ...]]) -> Callable[[_Record, str], None]:
    """A list of small things, each made of its own fields."""

    def read(record: _Record, name: str) -> None:
        own = record.table.table(name)
        if own is None:
            return
        text = own.needed_text("path")
        path = path_of(own, "path", text or "@").source("row", record.bind)
        arguments = _arguments(own, fields, record.code)
        own.done()
        one = f"lambda row, at: {record.bind(made)}({arguments})"
        record.step(name, f"{record.bind(_each)}({path}, at, {one})")

    return read


def _owner(record: _Record, name: str) -> None:
    """Who has it in hand; nobody yet where there is no id."""
    own = record.table.table(name)
    if own is None:
        return
    made = _actor(own, record.code, ActorKind.HUMAN)
    record.step(name, f"{record.bind(_actor_or_none)}({made})")


def _author(record: _Record, name: str) -> None:
    own = record.table.table(name)
    if own is None:
        return
    if own.raw("kind") is None:
        own.wrong("kind", "must be set: no message gets a wrong speaker")
    record.step(name, f"{record.bind(_speaker)}({_actor(own, record.code, None)})")


def _actor(own: Table, code: Code, fallback: ActorKind | None) -> str:
    """Kind, id, name, as arguments."""
    own.raw("kind")
    kind = Rule(own, "kind", code).spoken(ActorKind) if "kind" in own else code.bind(fallback)
    texts = [
        Rule(own, name, code).converted(TEXT) if own.raw(name) is not None else "None"
        for name in ("id", "name")
    ]
    own.done()
    return ", ".join([kind, *texts])


def _last_message(record: _Record, name: str) -> None:
    own = record.table.table(name)
    if own is None:
        return
    if own.raw("author") is None:
        own.wrong("author", "must be set: no message gets a wrong speaker")
    part = _Record(Kind.MESSAGE, own, record.code)
    values = [
        part.plain(each, allowed) if own.raw(each) is not None else "None"
        for each, allowed in (("body", TEXT), ("id", TEXT), ("at", TIME))
    ]
    author = own.table("author")
    speaker = _actor(author, record.code, None) if author is not None else "None, None, None"
    own.done()
    body, message_id, at = values
    expression = (
        f"{record.bind(_last)}(provenance, {body}, {message_id}, {at} or v_occurred_at,"
        f" lambda: {record.bind(_speaker)}({speaker}))"
    )
    record.step(name, expression)


_PARTS: dict[Kind, dict[str, Callable[[_Record, str], None]]] = {
    Kind.CONTACT: {"address": _address, "handles": _handles, "foreign_ids": _foreign_ids},
    Kind.ORDER: {"lines": _many(OrderLine, _LINE), "shipments": _many(Shipment, _SHIPMENT)},
    Kind.TICKET: {"owner": _owner},
    Kind.CONVERSATION: {"owner": _owner, "last_message": _last_message},
    Kind.CALL: {"owner": _owner},
    Kind.MESSAGE: {"author": _author},
}


def _inner(record: _Record, name: str, fields: Mapping[str, tuple[str, ...]]) -> str:
    own = record.table.table(name)
    if own is None:
        return ""
    found = _arguments(own, fields, record.code)
    own.done()
    return found


def _arguments(own: Table, fields: Mapping[str, tuple[str, ...]], code: Code) -> str:
    given = [name for name in fields if own.raw(name) is not None]
    return ", ".join(f"{name}={Rule(own, name, code).converted(fields[name])}" for name in given)


# ---------------------------------------------------------------- what generated code calls


def _or_none(address: Address) -> Address | None:
    return None if address == Address() else address


def _as_handles(pairs: Sequence[tuple[str, str]]) -> tuple[Handle, ...]:
    return tuple(Handle(platform, name) for platform, name in pairs)


def _each(value: Any, at: Any, one: Callable[[Any, Any], Any]) -> tuple[Any, ...] | None:
    """None is unknown, an empty list is none."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise RowError("list expected")
    return tuple([one(row, at) for row in value])


def _actor_or_none(kind: ActorKind, actor_id: str | None, name: str | None) -> Actor | None:
    return None if actor_id is None else Actor(kind=kind, id=actor_id, name=name)


def _speaker(kind: ActorKind, actor_id: str | None, name: str | None) -> Actor:
    """Who has no id of their own is known by what they are."""
    return Actor(kind=kind, id=actor_id or kind.value.lower(), name=name)


def _last(
    provenance: Provenance,
    body: str | None,
    message_id: str | None,
    at: Any,
    author: Callable[[], Actor],
) -> Message | None:
    if body is None:
        return None
    thread = provenance.external_id
    key = SourceKey(provenance.system.name, Kind.MESSAGE, f"{thread}/{message_id or 'last'}")
    return Message(key=key, provenance=provenance, at=at, author=author(), body=body)
