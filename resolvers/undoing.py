"""Taking back what was decided last on a customer: a split takes back a merge, and a merge a split,
with the ids that stood before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.customer import Cluster, IdentityEvent
from domain.decisions import Decided, Ruling, Scene
from domain.ids import CustomerId, SourceKey
from domain.vocabulary import ActorKind
from resolvers import rulings
from resolvers.access import require_steward
from resolvers.decisions import (
    IdentityPayload,
    Version,
    could_be_id,
    current,
    decide,
    question_of,
    version_text,
)
from resolvers.places import event_place
from resolvers.refused import Code, Refused, Signed, UserError

if TYPE_CHECKING:
    from resolvers.operation import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """`event` is the cursor of what is to be taken back, `customers` those it left, as seen now."""

    event: str
    customers: tuple[Version, ...]
    reason: str
    idempotency_key: str


def can_be_undone(event: IdentityEvent) -> bool:
    """Whether a person made one customer of two, or two of one. What the machine did it would do
    again: that is for a split, which holds.
    """
    sizes = len(event.before), len(event.after)
    return event.by.kind is ActorKind.HUMAN and sizes in {(2, 1), (1, 2)}


async def undo(operation: "Operation", wish: Undo) -> IdentityPayload:
    """Raises Forbidden, and InputError for what is no event."""
    require_steward(operation)
    event = await _latest(operation, wish)
    question = question_of(
        operation,
        wish.idempotency_key,
        ["undo", wish.event, sorted(map(version_text, wish.customers))],
        customers=tuple(one.id for one in wish.customers if could_be_id(one.id)),
    )

    def opinion(scene: Scene, said: Signed) -> Ruling | Decided:
        paths = [("customers", str(place)) for place in range(len(wish.customers))]
        parts = current(scene, wish.customers, paths)
        if event is None or not can_be_undone(event):
            told = "only what a person decided last on these customers can be taken back"
            raise Refused(UserError(Code.CONFLICT, told, ("event",)))
        if len(event.after) == 2:
            return _joined_again(scene, event, parts, said)
        return _parted_again(operation, scene, event, parts, said)

    return await decide(operation, question, wish.reason, opinion)


async def _latest(operation: "Operation", wish: Undo) -> IdentityEvent | None:
    """The event, where it is the last one of each of the customers."""
    place = event_place(wish.event)
    history = operation.services.decisions.history
    last = [await history(one.id, 1, None) for one in wish.customers if could_be_id(one.id)]
    events = [event for some in last for event in some]
    is_last = len(events) == len(wish.customers) and all(one.sequence == place for one in events)
    return events[0] if events and is_last else None


def _joined_again(
    scene: Scene, undone: IdentityEvent, parts: Sequence[Cluster], said: Signed
) -> Ruling:
    if {part.id for part in parts} != set(undone.after):
        raise _changed()
    return rulings.merged(scene, parts, undone.before[0], said)


def _parted_again(
    operation: "Operation",
    scene: Scene,
    undone: IdentityEvent,
    parts: Sequence[Cluster],
    said: Signed,
) -> Ruling:
    """The records of the id that was led on leave with it."""
    if [part.id for part in parts] != list(undone.after):
        raise _changed()
    (whole,) = parts
    leaving = _held(scene, undone, whole)
    if not leaving or len(leaving) == len(whole.members):
        raise _changed()
    return rulings.parted(scene, whole, leaving, said, operation.services.mint, never_relink=True)


def _held(scene: Scene, undone: IdentityEvent, whole: Cluster) -> frozenset[SourceKey]:
    absorbed: list[CustomerId] = [id for id in undone.before if id not in undone.after]
    held = (scene.held[id].members for id in absorbed if id in scene.held)
    return frozenset().union(*held) & frozenset(whole.members)


def _changed() -> Refused:
    told = "the customers are no longer as that decision left them; split or merge them by hand"
    return Refused(UserError(Code.CONFLICT, told, ("customers",)))
