"""Whose children a source is asked for: its own ids, another source's, an e-mail or a phone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from domain.customer import Cluster
from domain.ids import Kind
from domain.ports import IdentityGraph
from domain.records import Contact
from domain.sources import Parent, ParentBy, Source
from domain.vocabulary import IdentifierKind
from resolvers.identifiers import Shared, Written, shared_among, written
from resolvers.people import Person
from resolvers.services import Services

if TYPE_CHECKING:
    from resolvers.operation import Operation

_BY_IDENTIFIER = {
    ParentBy.EMAIL.value: (ParentBy.EMAIL, IdentifierKind.EMAIL, "emails"),
    ParentBy.PHONE.value: (ParentBy.PHONE, IdentifierKind.PHONE, "phones"),
}
SHARED = "not asked: the e-mail or phone is shared"
NO_COUNTRY = "not asked: a phone without a country"
ROW_MISSING = "not asked: a row that would name the customer is missing"


_OWN = ParentBy.OWN.value
_CONTACT = Kind.CONTACT  # looked up for each row of a person, which takes long of an enumeration


class Parents(NamedTuple):
    """What to ask a source for on behalf of a person. `withheld` says why that is not all there
    is; None where it is. Nothing to ask and nothing withheld: the person has nothing there.
    """

    parents: tuple[Parent, ...]
    withheld: str | None = None


_PARENT = partial(tuple.__new__, Parent)
"""Of its parts, without a call of ours."""
_parents = itemgetter(0)


class Asked(NamedTuple):
    """What to ask one source for on behalf of people."""

    answers: Sequence[Parents]
    """One entry per person, in order."""
    parents: Sequence[Parent]
    """Of all of them, in order."""
    is_plain: bool
    """Nothing is withheld, and each person is one parent."""


MOST_REMEMBERED = 5_000
"""Clusters whose ids at one source are remembered: they are asked for by each list of each request,
and a cluster is never changed, only replaced.
"""


def needed_fields(services: Services, source: Source) -> frozenset[str]:
    """Attributes of contacts that `parents_in` reads for this source."""
    if source.customer_key in _BY_IDENTIFIER:
        return frozenset({_BY_IDENTIFIER[source.customer_key][2], "address"})
    if _holder(services, source)[1]:
        return frozenset()
    return frozenset({"foreign_ids"})


async def parents_in(services: Services, source: Source, people: Sequence[Person]) -> list[Parents]:
    """One entry per person, in order."""
    if source.customer_key in _BY_IDENTIFIER:
        return await _by_identifier(services.identity, source.customer_key, people)
    return _by_id(services, source, people)


async def asked_of(operation: "Operation", source: Source, people: Sequence[Person]) -> Asked:
    """The same with what follows from it for all of them."""
    found = asked_at_hand(operation, source, people)
    return _asked(await parents_in(operation.services, source, people)) if found is None else found


def asked_at_hand(operation: "Operation", source: Source, people: Sequence[Person]) -> Asked | None:
    """The same where identity has not to be asked; None where it has. Lists of the same people, one
    after the other, ask several sources for the same.
    """
    if source.customer_key in _BY_IDENTIFIER:
        return None
    holder, _ = _holder(operation.services, source)
    own = holder == source.name
    before, known = operation.loaders.listed.asked.get((holder, own), (None, None))
    if known is None or before is not people:
        known = _asked(_by_id(operation.services, source, people))
        operation.loaders.listed.asked[holder, own] = people, known
    return known


def _asked(answers: Sequence[Parents]) -> Asked:
    parents = list(chain.from_iterable(map(_parents, answers)))
    return Asked(answers, parents, _are_plain(answers))


def _are_plain(answers: Sequence[Parents]) -> bool:
    for parents, withheld in answers:  # noqa: SIM110  # a generator costs as much as the rest
        if withheld is not None or len(parents) != 1:
            return False
    return True


def _holder(services: Services, source: Source) -> tuple[str, bool]:
    """The source whose ids are asked for, and whether its people are read."""
    name = source.name if source.customer_key == _OWN else source.customer_key
    holder = services.sources.get(name)
    return name, holder is not None and holder.holds_people


def _by_id(services: Services, source: Source, people: Sequence[Person]) -> list[Parents]:
    """Members of the cluster say which rows are the person's; ids of a source whose people are not
    read come from rows that carry them.
    """
    holder, is_read = _holder(services, source)
    by = ParentBy.OWN if holder == source.name else ParentBy.FOREIGN
    if not is_read:
        return [_carried(by, holder, person) for person in people]
    shelf = services.parents.setdefault((holder, by), {})
    if len(shelf) > MOST_REMEMBERED:
        shelf.clear()
    found = []
    for person in people:
        cluster = person.cluster
        known = shelf.get(cluster.id)
        if known is None or known[0] is not cluster:
            known = shelf[cluster.id] = cluster, _members(by, holder, cluster)
        found.append(known[1])
    return found


def _members(by: ParentBy, holder: str, cluster: Cluster) -> Parents:
    own = [
        _PARENT((by, key.external_id))
        for key in cluster.members
        if key.source == holder and key.kind is _CONTACT
    ]
    return Parents(tuple(own))


def _carried(by: ParentBy, holder: str, person: Person) -> Parents:
    pairs = (pair for contact in person.contacts for pair in contact.foreign_ids)
    ids = dict.fromkeys(value for name, value in pairs if name == holder)
    parents = tuple(Parent(by, one) for one in ids)
    return Parents(parents, ROW_MISSING if person.unread else None)


async def _by_identifier(
    identity: IdentityGraph, customer_key: str, people: Sequence[Person]
) -> list[Parents]:
    by, kind, _ = _BY_IDENTIFIER[customer_key]
    groups = [_written(identity, person.contacts, kind) for person in people]
    shared = await shared_among(identity, groups)
    return [
        _unshared(by, group, shared, person) for group, person in zip(groups, people, strict=True)
    ]


def _written(
    identity: IdentityGraph, contacts: Iterable[Contact], kind: IdentifierKind
) -> list[Written]:
    return [one for contact in contacts for one in written(identity, contact, [kind])]


def _unshared(by: ParentBy, group: list[Written], shared: Shared, person: Person) -> Parents:
    """A shared e-mail or phone would fetch other people's things: it is never asked for."""
    own = [one for one in group if not shared[one.canonical]]
    values = _emails(own) if by is ParentBy.EMAIL else _phones(own)
    withheld = None
    if len(own) < len(group):
        withheld = SHARED
    elif None in values:
        withheld = NO_COUNTRY
    elif person.unread:
        withheld = ROW_MISSING
    return Parents(tuple(Parent(by, value) for value in values if value is not None), withheld)


def _emails(own: Iterable[Written]) -> list[str | None]:
    return list(dict.fromkeys(one.text.strip().lower() for one in own))


def _phones(own: Iterable[Written]) -> list[str | None]:
    """E.164 of each number, or None where no row writes it with its country."""
    numbers: dict[str, list[str]] = defaultdict(list)
    for one in own:
        numbers[one.canonical.value].extend(_international(one.text))
    return [min(found) if found else None for found in numbers.values()]


def _international(text: str) -> list[str]:
    digits = "".join(character for character in text if character.isdigit())
    if text.strip().startswith("+"):
        return [f"+{digits}"]
    return [f"+{digits[2:]}"] if digits.startswith("00") else []
