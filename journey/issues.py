"""Which contacts are about one matter.

Four rules, strongest first: the same case, the same order, an explicit link, the same reason within
the window. The first three hold between any two contacts, whatever lies between them, so the order
in which contacts become known does not matter. The last is a guess and joins only what nothing
keeps apart: two cases, or two orders, are two matters even for one reason.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from domain.events import Interaction
from domain.ids import SourceKey
from domain.issues import GroupedBy, Issue, Mentions
from domain.records import Ticket
from domain.vocabulary import InteractionState, IssueState, TicketStatus

WINDOW: Final = timedelta(days=7)
"""How long after a contact another with the same reason is the same matter; and how long nobody
must have come back for the matter to count as settled where no system says so.
"""
SUBJECT_SILENCE: Final = timedelta(days=90)
"""After so long without a contact an order is a matter of its own again: a claim under warranty is
not the delivery that was late.
"""

_OPEN = frozenset(
    {InteractionState.QUEUED, InteractionState.IN_PROGRESS, InteractionState.SCHEDULED}
)
_SETTLED = frozenset({TicketStatus.RESOLVED, TicketStatus.CLOSED})


@dataclass(frozen=True, slots=True)
class _Group:
    """Contacts in order of time."""

    members: tuple[Interaction, ...]
    rules: frozenset[GroupedBy]

    @property
    def began_at(self) -> datetime:
        return self.members[0].record.occurred_at

    @property
    def last_at(self) -> datetime:
        return max(last_moment(one) for one in self.members)


def issues(
    interactions: Iterable[Interaction],
    now: datetime,
    *,
    mentions: Mentions | None = None,
    window: timedelta = WINDOW,
) -> tuple[Issue, ...]:
    """The matters behind the contacts of one customer, the latest begun first. `mentions` finds the
    order of contacts that do not name one.
    """
    ordered = sorted(interactions, key=_place)
    orders = {one.key: one.order_number or _mentioned(mentions, one) for one in ordered}
    groups = _by_reason(_by_proof(ordered, orders), orders, window)
    found = [_issue(group, orders, now, window) for group in groups]
    return tuple(sorted(found, key=lambda one: _place(one.interactions[0]), reverse=True))


def last_moment(interaction: Interaction) -> datetime:
    """When something last happened in it, as far as is known."""
    record = interaction.record
    known = (record.occurred_at, record.ended_at, interaction.last_at)
    return max(one for one in known if one is not None)


def _place(interaction: Interaction) -> tuple[datetime, str, str]:
    record = interaction.record
    return record.occurred_at, record.key.external_id, record.key.source


def _mentioned(mentions: Mentions | None, interaction: Interaction) -> str | None:
    return mentions(interaction) if mentions else None


def cases(interaction: Interaction) -> frozenset[str]:
    """The names a case goes by: what an event calls it, the number and the id of a ticket."""
    record = interaction.record
    names = [interaction.case_id]
    if isinstance(record, Ticket):
        names += [record.number, record.key.external_id]
    return frozenset(_bare(name) for name in names if name)


def _bare(name: str) -> str:
    return name.strip().lstrip("#").casefold()


# ---------------------------------------------------------------- what is certain

Orders = dict[SourceKey, str | None]


class _Union:
    """Which contacts hang together, and by which rules."""

    def __init__(self, size: int) -> None:
        self._above = list(range(size))
        self._rules: dict[int, set[GroupedBy]] = defaultdict(set)

    def root(self, one: int) -> int:
        while self._above[one] != one:
            self._above[one] = self._above[self._above[one]]
            one = self._above[one]
        return one

    def join(self, one: int, other: int, rule: GroupedBy) -> None:
        one, other = sorted((self.root(one), self.root(other)))
        if one != other:
            self._above[other] = one
            self._rules[one] |= self._rules.pop(other, set()) | {rule}

    def rules(self, root: int) -> frozenset[GroupedBy]:
        return frozenset(self._rules.get(root, ()))


def _by_proof(ordered: Sequence[Interaction], orders: Orders) -> list[_Group]:
    union = _Union(len(ordered))
    for some in _having(ordered, cases):
        for one, other in pairwise(some):
            union.join(one, other, GroupedBy.CASE)
    for some in _having(ordered, lambda one: _order_of(orders[one.key])):
        for one, other in pairwise(some):
            if ordered[other].record.occurred_at - last_moment(ordered[one]) <= SUBJECT_SILENCE:
                union.join(one, other, GroupedBy.ORDER)
    at = {one.key: i for i, one in enumerate(ordered)}
    for i, contact in enumerate(ordered):
        for key in contact.related:
            if key in at:
                union.join(i, at[key], GroupedBy.LINK)
    return _groups(ordered, union)


def _order_of(number: str | None) -> frozenset[str]:
    return frozenset({_bare(number)}) if number else frozenset()


def _having(
    ordered: Sequence[Interaction], names: Callable[[Interaction], frozenset[str]]
) -> Iterable[list[int]]:
    """The places of the contacts under each name, in order of time."""
    places: dict[str, list[int]] = defaultdict(list)
    for i, one in enumerate(ordered):
        for name in names(one):
            places[name].append(i)
    return places.values()


def _groups(ordered: Sequence[Interaction], union: _Union) -> list[_Group]:
    members: dict[int, list[Interaction]] = defaultdict(list)
    for i, one in enumerate(ordered):
        members[union.root(i)].append(one)
    return [_Group(tuple(some), union.rules(root)) for root, some in members.items()]


# ---------------------------------------------------------------- what is likely


def _by_reason(groups: Iterable[_Group], orders: Orders, window: timedelta) -> list[_Group]:
    found: list[_Group] = []
    for group in sorted(groups, key=lambda one: _place(one.members[0])):
        near = [one for one in found if _same_reason(one, group, orders, window)]
        if near:
            latest = max(near, key=lambda one: one.last_at)
            found[found.index(latest)] = _joined(latest, group)
        else:
            found.append(group)
    return found


def _same_reason(earlier: _Group, later: _Group, orders: Orders, window: timedelta) -> bool:
    return (
        bool(_reasons(earlier) & _reasons(later))
        and later.began_at - earlier.last_at <= window
        and not _apart(_cases(earlier), _cases(later))
        and not _apart(_orders(earlier, orders), _orders(later, orders))
    )


def _apart(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    return bool(ours and theirs) and not ours & theirs


def _joined(one: _Group, other: _Group) -> _Group:
    members = tuple(sorted((*one.members, *other.members), key=_place))
    return _Group(members, one.rules | other.rules | {GroupedBy.REASON})


def _reasons(group: _Group) -> frozenset[str]:
    said = (_reason(one) for one in group.members)
    return frozenset(one.strip().casefold() for one in said if one)


def _reason(interaction: Interaction) -> str | None:
    record = interaction.record
    return interaction.reason or (record.category if isinstance(record, Ticket) else None)


def _cases(group: _Group) -> frozenset[str]:
    return frozenset().union(*map(cases, group.members))


def _orders(group: _Group, orders: Orders) -> frozenset[str]:
    return frozenset().union(*(_order_of(orders[one.key]) for one in group.members))


# ---------------------------------------------------------------- one issue


def _issue(group: _Group, orders: Orders, now: datetime, window: timedelta) -> Issue:
    members = group.members
    resolved_at = _resolved_at(group, now, window)
    return Issue(
        interactions=members,
        grouped_by=max(group.rules, key=list(GroupedBy).index, default=GroupedBy.SINGLE),
        state=IssueState.RESOLVED if resolved_at else _state(members),
        opened_at=group.began_at,
        resolved_at=resolved_at,
        reason=next((said for one in members if (said := _reason(one))), None),
        order_number=next((said for one in members if (said := orders[one.key])), None),
    )


def _resolved_at(group: _Group, now: datetime, window: timedelta) -> datetime | None:
    """When the matter was settled: its tickets are, or nobody came back within the window. None
    while something goes on in it.
    """
    if any(_is_open(one) for one in group.members):
        return None
    if isinstance(group.members[-1].record, Ticket) or now - group.last_at > window:
        return group.last_at
    return None


def _is_open(interaction: Interaction) -> bool:
    record = interaction.record
    if isinstance(record, Ticket) and record.status is not TicketStatus.UNKNOWN:
        return record.status not in _SETTLED
    return record.state in _OPEN or record.state is InteractionState.WAITING


def _state(members: Sequence[Interaction]) -> IssueState:
    going_on = [one for one in members if _is_open(one)]
    if any(_settled_before(one, members) for one in going_on or members[-1:]):
        return IssueState.REOPENED
    waiting = going_on and all(_waits(one) for one in going_on)
    return IssueState.WAITING if waiting else IssueState.OPEN


def _settled_before(later: Interaction, members: Sequence[Interaction]) -> bool:
    """Whether a system had called the matter settled when this contact began."""
    return any(
        isinstance(one.record, Ticket)
        and one.record.status in _SETTLED
        and one.record.ended_at is not None
        and one.record.ended_at <= later.record.occurred_at
        for one in members
    )


def _waits(interaction: Interaction) -> bool:
    record = interaction.record
    if isinstance(record, Ticket):
        return record.status in {TicketStatus.PENDING, TicketStatus.ON_HOLD}
    return record.state is InteractionState.WAITING
