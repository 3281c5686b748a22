"""Which fields a mapping may give each kind of record, and the record they make."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from connectors.mapped import parts
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
from connectors.mapped.values import Value, instance
from connectors.reading import required
from domain.ids import Kind, SourceKey
from domain.provenance import Provenance
from domain.records import (
    RECORD_TYPES,
    Address,
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

    def step(self, name: str, value: Value, also: str = "") -> None:
        """An attribute that is worked out; `also` is the attribute its second half goes to."""
        self.steps.append(Step(name, f"v_{name}", value, f"v_{also}" if also else ""))
        self.arguments[name] = f"v_{name}"
        if also and not also.startswith("_"):
            self.arguments[also] = f"v_{also}"

    def plain(self, name: str, allowed: tuple[str, ...]) -> Value:
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
        record.steps.append(Step("", "v_state", Value(f"{states}(v_status, {unknown})")))
        record.arguments |= {"state": "v_state", "raw_state": "v_raw_status"}
    if kind is Kind.CONTACT:
        record.arguments["raw"] = "row"
    table.done()
    made = instance(RECORD_TYPES[kind], record.arguments, record.bind)
    return recipe(kind, record.steps, made, code, _owners(kind, table))


def _identity(record: _Record) -> None:
    """Id, provenance and time: what a row cannot be placed without."""
    table, kind, bind = record.table, record.kind, record.bind
    needed = ["id", *([_moment(kind)] if _moment(kind) else [])]
    needed += ["thread", "author"] if kind is Kind.MESSAGE else []
    for name in needed:
        if table.raw(name) is None:
            table.wrong(name, "must be set")
    own = record.plain("id", IDENTIFIER) if "id" in table else Value("None")
    if kind is Kind.MESSAGE and "thread" in table:
        record.steps.append(Step("thread", "thread", record.plain("thread", IDENTIFIER)))
        own = Value(f"thread + '/' + {own.expression}")
    record.steps.append(Step("id", "own_id", own))
    for name, allowed in (("updated_at", TIME), ("url", TEXT)):
        table.raw(name)
        found = record.plain(name, allowed) if name in table else Value("None")
        record.steps.append(Step(name if name in table else "", name, found))
    key = {"source": "source", "kind": bind(kind), "external_id": "own_id"}
    provenance = {
        "system": "system",
        "external_id": "own_id",
        "fetched_at": "fetched_at",
        "source_updated_at": "updated_at",
        "url": "url",
    }
    record.steps.append(Step("", "key", instance(SourceKey, key, bind)))
    record.steps.append(Step("", "provenance", instance(Provenance, provenance, bind)))
    record.arguments |= {"key": "key", "provenance": "provenance"}
    moment = _moment(kind)
    if moment and moment in table:
        record.step(moment, _required(record.plain(moment, TIME), bind(required)))


def _required(found: Value, call: str) -> Value:
    usual = [*found.into("$"), f"if $ is None: {call}($)"]
    return Value(f"{call}({found.expression})", "\n".join(usual))


def _plain(record: _Record) -> None:
    for name, allowed in _PLAIN[record.kind].items():
        record.table.raw(name)
        if name in record.table:
            record.step(name, record.plain(name, allowed))


def _worded(record: _Record) -> None:
    for name, (kind, unknown, also) in _WORDED[record.kind].items():
        record.table.raw(name)
        if name in record.table:
            found = Rule(record.table, name, record.code).worded(kind, unknown)
            record.step(name, found, f"_{name}" if also == "_raw" else also)


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
    record.step(name, Value(f"{record.bind(parts.or_none)}({record.bind(Address)}({found}))"))


def _handles(record: _Record, name: str) -> None:
    """Names by platform."""
    pairs = _pairs(record, name, str.lower)
    made = f"{record.bind(parts.as_handles)}({record.bind(foreign_ids)}({pairs}))"
    record.step(name, Value(made))


def _foreign_ids(record: _Record, name: str) -> None:
    """Ids by the name of the source they are of."""
    record.step(name, Value(f"{record.bind(foreign_ids)}({_pairs(record, name, str)})"))


def _pairs(record: _Record, name: str, spelt: Callable[[str], str]) -> str:
    own = record.table.table(name)
    if own is None:
        return ""
    names = [(each, Rule(own, each, record.code).converted(TEXT).expression) for each in own]
    return ", ".join(f"({record.bind(spelt(each))}, {found})" for each, found in names)


def _many(made: type[Any], fields: Mapping[str, tuple[str, ...]]) -> Callable[[_Record, str], None]:
    """A list of small things, each made of its own fields."""

    def read(record: _Record, name: str) -> None:
        own = record.table.table(name)
        if own is None:
            return
        text = own.needed_text("path")
        path = path_of(own, "path", text or "@").source("row", record.bind)
        given = _given(own, fields, record.code, "each")
        own.done()
        arguments = ", ".join(f"{each}={value.expression}" for each, value in given.items())
        one = f"lambda each, at: {record.bind(made)}({arguments})"
        expression = f"{record.bind(parts.each)}({path}, at, {one})"
        record.step(name, Value(expression, _loop(record, path, made, given)))

    return read


def _loop(record: _Record, path: str, made: type[Any], given: Mapping[str, Value]) -> str:
    """What `parts.each` does, without a call for each."""
    lines = [line for each, value in given.items() for line in value.into(f"e_{each}")]
    lines += instance(made, {each: f"e_{each}" for each in given}, record.bind).into("each")
    inner = "\n        ".join([*lines, "found.append(each)"])
    wrong = f"{record.bind(parts.each)}($, at, None)"
    return (
        f"$ = {path}\nif $.__class__ is {record.bind(list)}:\n    found = []\n"
        f"    for each in $:\n        {inner}\n    $ = {record.bind(tuple)}(found)\n"
        f"elif $ is not None: {wrong}"
    )


def _owner(record: _Record, name: str) -> None:
    """Who has it in hand; nobody yet where there is no id."""
    own = record.table.table(name)
    if own is None:
        return
    made = _actor(own, record.code, ActorKind.HUMAN)
    record.step(name, Value(f"{record.bind(parts.actor_or_none)}({made})"))


def _author(record: _Record, name: str) -> None:
    own = record.table.table(name)
    if own is None:
        return
    if own.raw("kind") is None:
        own.wrong("kind", "must be set: no message gets a wrong speaker")
    record.step(name, Value(f"{record.bind(parts.speaker)}({_actor(own, record.code, None)})"))


def _actor(own: Table, code: Code, fallback: ActorKind | None) -> str:
    """Kind, id, name, as arguments."""
    own.raw("kind")
    kind = Rule(own, "kind", code).spoken(ActorKind) if "kind" in own else code.bind(fallback)
    texts = [
        Rule(own, name, code).converted(TEXT).expression if own.raw(name) is not None else "None"
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
    body, message_id, at = (
        part.plain(each, allowed) if own.raw(each) is not None else Value("None")
        for each, allowed in (("body", TEXT), ("id", TEXT), ("at", TIME))
    )
    author = own.table("author")
    actor = _actor(author, record.code, None) if author is not None else "None, None, None"
    own.done()
    speaker = f"{record.bind(parts.speaker)}({actor})"
    expression = (
        f"{record.bind(parts.last)}(provenance, {body.expression}, {message_id.expression},"
        f" {at.expression} or v_occurred_at, lambda: {speaker})"
    )
    lines = [*body.into("$"), *message_id.into("l_id"), *at.into("l_at"), "if $ is not None:"]
    lines += [f"    {line}" for line in _last_lines(record, speaker)]
    record.step(name, Value(expression, "\n".join(lines)))


def _last_lines(record: _Record, speaker: str) -> list[str]:
    """What `parts.last` does with a body in `$`, in place of a call."""
    key = {
        "source": "source",
        "kind": record.bind(Kind.MESSAGE),
        "external_id": "own_id + '/' + (l_id or 'last')",
    }
    message = {
        "key": "l_key",
        "provenance": "provenance",
        "at": "l_at or v_occurred_at",
        "author": speaker,
        "body": "$",
    }
    bind = record.bind
    return [
        *instance(SourceKey, key, bind).into("l_key"),
        *instance(Message, message, bind).into("$"),
    ]


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
    given = _given(own, fields, code)
    return ", ".join(f"{name}={value.expression}" for name, value in given.items())


def _given(
    own: Table, fields: Mapping[str, tuple[str, ...]], code: Code, row: str = "row"
) -> dict[str, Value]:
    given = [name for name in fields if own.raw(name) is not None]
    return {name: Rule(own, name, code, row).converted(fields[name]) for name in given}
