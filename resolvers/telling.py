"""Taking in what systems tell of interactions: judged, kept, and settled with identity.

events as told > what has no type, system or sense is refused, each by itself
               > who took part (participants) > the event store > identity
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from domain.customer import KeyKind
from domain.errors import Forbidden, IdentityError, PageTooLarge
from domain.events import Claim, EventData, EventType, InteractionEvent
from domain.ids import CustomerId, Kind, SourceKey
from domain.provenance import Freshness, System
from domain.vocabulary import Channel, SystemKind, Verification
from resolvers.caller import INGEST, Caller
from resolvers.event_data import event_data
from resolvers.leads import follow
from resolvers.participants import Participants
from resolvers.refused import Code, UserError
from resolvers.services import Services

if TYPE_CHECKING:
    from resolvers.operation import Operation

MOST_EVENTS: Final = 500
MOST_CHARS: Final = 500
"""Of an id of a system."""
AHEAD: Final = timedelta(hours=1)
"""How wrong the clock of a system may be."""

MOST_SEARCHED: Final = 20
SEARCH_MS: Final = 1_000
SEARCHED: Final = frozenset({KeyKind.EMAIL, KeyKind.PHONE, KeyKind.ACCOUNT_NUMBER})

_OF_SYSTEMS = {SystemKind.VOICE: Kind.CALL, SystemKind.TICKETING: Kind.TICKET}
_OF_VISITS = frozenset({None, Channel.SELF_SERVICE, Channel.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An event as it was handed in. `subject` is (system, external id)."""

    system: str
    event_id: str
    type: str
    occurred_at: datetime
    sequence: int | None = None
    subject: tuple[str, str]
    claims: tuple[Claim, ...] = field(default=(), repr=False)
    data: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestPayload:
    accepted: int
    duplicates: int
    customer_ids: tuple[CustomerId, ...] = ()
    user_errors: tuple[UserError, ...] = ()


async def ingest(operation: "Operation", reports: Sequence[Report]) -> IngestPayload:
    """Said again, it changes nothing. Raises Forbidden and PageTooLarge."""
    operation.services.require("live_record")
    if not operation.caller.may_tell:
        raise Forbidden(f"needs the scope {INGEST}")
    if operation.read_only:
        raise Forbidden("a GET request changes nothing")
    if len(reports) > MOST_EVENTS:
        raise PageTooLarge(f"events: at most {MOST_EVENTS}")
    await _search(operation, reports)
    payload = await take(operation.services, operation.caller, reports)
    operation.forget()
    return payload


async def _search(operation: "Operation", reports: Sequence[Report]) -> None:
    """Look for people nobody knows yet at the sources, as for any other key; but not for hundreds:
    a replay is no reason to ask for everybody.
    """
    said = (_capped(operation.caller, claim) for report in reports for claim in report.claims)
    trusted = (claim.key for claim in said if claim.verification is not Verification.ASSERTED)
    keys = list(dict.fromkeys(key for key in trusted if key.kind in SEARCHED))
    found = await operation.services.identity.find(keys) if keys else []
    unknown = [key for key, one in zip(keys, found, strict=True) if not one.customers]
    if unknown and len(unknown) <= MOST_SEARCHED:
        await follow(operation, unknown, Freshness(deadline_ms=SEARCH_MS))


async def take(services: Services, caller: Caller, reports: Sequence[Report]) -> IngestPayload:
    """The same, for who has been let in."""
    events, problems = _judged(services, caller, reports)
    participants = Participants(services)
    seating = await participants.seat([*events.values()], own_rows=caller.is_believed)
    failed = await participants.settle(seating.contacts)
    # Only now: whoever follows a person is told by who the records belong to when it is written.
    noted = await services.events.append(seating.told)
    people = dict.fromkeys(key for one in seating.told for key in one.contacts)
    owners = await services.identity.of_records([*people])
    return IngestPayload(
        accepted=len(noted.accepted),
        duplicates=noted.duplicates,
        customer_ids=tuple(dict.fromkeys(one for one in owners if one is not None)),
        user_errors=(*problems, *_unplaced(failed)),
    )


def _unplaced(failed: Mapping[SourceKey, IdentityError]) -> list[UserError]:
    """What was told is kept; who it was about will be settled with the next word of them."""
    said = (str(error) for error in failed.values())
    return [UserError(Code.CONFLICT, one, ("events",)) for one in dict.fromkeys(said)]


# ---------------------------------------------------------------- judging


def _judged(
    services: Services, caller: Caller, reports: Sequence[Report]
) -> tuple[dict[int, InteractionEvent], list[UserError]]:
    """The events by their places, and what is wrong with the others."""
    events: dict[int, InteractionEvent] = {}
    problems: list[UserError] = []
    for place, report in enumerate(reports):
        read = _event(services, caller, report, ("events", str(place)))
        if isinstance(read, InteractionEvent):
            events[place] = read
        else:
            problems.extend(read)
    return events, problems


def _event(
    services: Services, caller: Caller, report: Report, path: tuple[str, ...]
) -> InteractionEvent | list[UserError]:
    problems = [*_misnamed(services, report, path), *_odd(services, report, path)]
    data = event_data(report.data, (*path, "data"))
    if problems or not isinstance(data, EventData):
        return [*problems, *(data if isinstance(data, list) else [])]
    kind = EventType(report.type)
    system = services.tellers[report.subject[0]]
    return InteractionEvent(
        system=report.system,
        event_id=report.event_id,
        type=kind,
        occurred_at=report.occurred_at,
        sequence=report.sequence,
        subject=SourceKey(system.name, _kind(system, kind, data), report.subject[1]),
        claims=tuple(_capped(caller, claim) for claim in report.claims),
        data=data,
    )


def _misnamed(services: Services, report: Report, path: tuple[str, ...]) -> list[UserError]:
    problems = []
    if report.type not in set(EventType):
        told = f"type must be one of {', '.join(EventType)}"
        problems.append(UserError(Code.UNKNOWN_TYPE, told, (*path, "type")))
    for name, where in ((report.system, ("system",)), (report.subject[0], ("subject", "system"))):
        if name not in services.tellers:
            told = f"no system of this name tells events here: {name[:64]!r}"
            problems.append(UserError(Code.UNKNOWN_SYSTEM, told, (*path, *where)))
    return problems


def _odd(services: Services, report: Report, path: tuple[str, ...]) -> list[UserError]:
    problems = []
    ids = ((report.event_id, ("eventId",)), (report.subject[1], ("subject", "externalId")))
    for value, where in ids:
        if not value.strip() or len(value) > MOST_CHARS:
            told = f"{where[-1]} must have 1 to {MOST_CHARS} characters"
            problems.append(UserError(Code.INVALID, told, (*path, *where)))
    if report.occurred_at > services.clock.now() + AHEAD:
        told = "occurredAt must not lie ahead"
        problems.append(UserError(Code.INVALID, told, (*path, "occurredAt")))
    return problems


def _kind(system: System, kind: EventType, data: EventData) -> Kind:
    """What the interaction is, as long as nothing was told of it before."""
    if kind is EventType.VISIT_RECORDED:
        return Kind.VISIT
    if data.channel is Channel.VOICE:
        return Kind.CALL
    if system.kind is SystemKind.WEB and data.channel in _OF_VISITS:
        return Kind.VISIT
    return _OF_SYSTEMS.get(system.kind, Kind.CONVERSATION)


def _capped(caller: Caller, claim: Claim) -> Claim:
    """Who is not believed can only assert, but for what they have proven themselves."""
    if caller.is_believed:
        return claim
    proven = caller.proven.get(claim.key, Verification.ASSERTED)
    weaker = min(proven, claim.verification, key=lambda one: one.strength)
    return replace(claim, verification=weaker)
