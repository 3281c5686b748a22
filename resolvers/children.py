"""Orders, tickets and conversations of many people at once, merged over sources and over the
several rows one person has in a source.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from domain.ids import CustomerId
from domain.sources import Parent, Source
from domain.waiting import together
from resolvers.connection import Connection, merge
from resolvers.ledger import Outcome, Verdict
from resolvers.pages import Cut, Told, read_each, read_kept, read_one
from resolvers.parents import Asked, Parents, asked_at_hand, asked_of, parents_in
from resolvers.people import Person

if TYPE_CHECKING:
    from resolvers.operation import Operation


async def fetch(operation: "Operation", people: Sequence[Person], cut: Cut) -> list[Connection]:
    """One connection per person, in order; unmasked."""
    services = operation.services
    sources = services.holding(cut.kind)
    lists = _Lists(sources, cut)
    if len(sources) == 1 and cut.after is None:
        ask = await asked_of(operation, sources[0], people)
        found = await read_one(operation, sources[0].name, ask.parents, cut) if ask.parents else []
        return lists.noted(operation, lists.of_one_source(people, ask, found))
    asked = await together([parents_in(services, source, people) for source in sources])
    read = await read_each(operation, _parents(sources, asked), cut)
    rest = [iter(read.get(source.name, ())) for source in sources]
    return lists.noted(operation, lists.of_several(people, asked, rest))


def at_hand(operation: "Operation", people: Sequence[Person], cut: Cut) -> list[Connection] | None:
    """The same of one source, all of it from a cache; None where something has to be asked."""
    services = operation.services
    sources = services.holding(cut.kind)
    if len(sources) != 1 or cut.after is not None:
        return None
    ask = asked_at_hand(operation, sources[0], people)
    if ask is None:
        return None
    found = read_kept(operation, sources[0], ask.parents, cut)
    if found is None:
        return None
    lists = _Lists(sources, cut)
    return lists.noted(operation, lists.of_one_source(people, ask, found))


def connect(
    sources: Sequence[Source], found: Sequence[Told], outcomes: Sequence[Outcome], cut: Cut
) -> Connection:
    """What came from several parents as one page; unknown where no source answered."""
    return _connected(found, Verdict(sources, outcomes), cut)


def _parents(
    sources: Sequence[Source], asked: Sequence[Sequence[Parents]]
) -> dict[str, list[Parent]]:
    return {
        source.name: [parent for answer in answers for parent in answer.parents]
        for source, answers in zip(sources, asked, strict=True)
    }


class _Lists:
    """Lists of people in the making. Those that come of one answer share its outcomes, so they
    share a verdict and are noted together.
    """

    __slots__ = ("cut", "judged", "sources")

    def __init__(self, sources: Sequence[Source], cut: Cut) -> None:
        self.sources = sources
        self.cut = cut
        self.judged: dict[int, tuple[Verdict, list[CustomerId]]] = {}
        """What outcomes came to and whose they are, by their identity."""

    def of_one_source(
        self, people: Sequence[Person], ask: Asked, found: Sequence[Told]
    ) -> list[Connection]:
        """Most people are one row there and have one page of it."""
        if ask.is_plain:
            return self._plain(people, ask, found)
        connections: list[Connection] = []
        end = 0
        for person, answer in zip(people, ask.answers, strict=True):
            start, end = end, end + len(answer.parents)
            connections.append(self._merged(person, (answer,), found[start:end]))
        return connections

    def _plain(
        self, people: Sequence[Person], ask: Asked, found: Sequence[Told]
    ) -> list[Connection]:
        """Nothing is merged and no function of ours is called: it is done for each list of each
        customer. Those who have nothing share theirs.
        """
        kind, first = self.cut.kind, self.cut.first
        connections: list[Connection] = []
        verdict: Verdict | None = None
        ids: list[CustomerId] = []
        nothing: Connection | None = None
        new = Connection.__new__
        for i, (person, (page, outcomes)) in enumerate(zip(people, found, strict=True)):
            if page is None:
                connections.append(self._merged(person, (ask.answers[i],), (found[i],)))
                continue
            if verdict is None or outcomes is not verdict.outcomes:
                verdict, ids = self._judged(outcomes)
                nothing = None
            ids.append(person.cluster.id)
            items = page.items
            if nothing is not None and not items:
                connections.append(nothing)
                continue
            more = len(items) > first
            made = new(Connection)
            made.kind, made.verdict, made.has_previous = kind, verdict, False
            made.completeness, made.failures = verdict.completeness, verdict.failures
            made.nodes = items[:first] if more else items
            made.has_next = more or (page.has_more and bool(items))
            connections.append(made)
            if not items:
                nothing = made
        return connections

    def noted(self, operation: "Operation", connections: list[Connection]) -> list[Connection]:
        for verdict, ids in self.judged.values():
            operation.ledger.note(ids, verdict.outcomes)
        return connections

    def of_several(
        self,
        people: Sequence[Person],
        asked: Sequence[Sequence[Parents]],
        rest: Sequence[Iterator[Told]],
    ) -> list[Connection]:
        connections = []
        for person, *answers in zip(people, *asked, strict=True):
            own = [
                one
                for answer, more in zip(answers, rest, strict=True)
                for one in islice(more, len(answer.parents))
            ]
            connections.append(self._merged(person, answers, own))
        return connections

    def _merged(
        self, person: Person, answers: Sequence[Parents], own: Sequence[Told]
    ) -> Connection:
        """Of what came for one person, with the outcome of every source that could hold more."""
        withheld = [
            Outcome(source=source.name, answered=False, note=answer.withheld)
            for source, answer in zip(self.sources, answers, strict=True)
            if answer.withheld is not None
        ]
        if len(own) == 1 and not withheld:
            _, outcomes = own[0]
        else:
            outcomes = (*(outcome for _, some in own for outcome in some), *withheld)
        verdict, ids = self._judged(outcomes)
        ids.append(person.cluster.id)
        return _connected(own, verdict, self.cut)

    def _judged(self, outcomes: tuple[Outcome, ...]) -> tuple[Verdict, list[CustomerId]]:
        judged = self.judged.get(id(outcomes))
        if judged is None:
            judged = self.judged[id(outcomes)] = (Verdict(self.sources, outcomes), [])
        return judged


def _connected(found: Sequence[Told], verdict: Verdict, cut: Cut) -> Connection:
    pages = [page for page, _ in found if page is not None]
    nodes, more = merge(pages, cut.first, cut.after)
    unknown = bool(verdict.outcomes) and not pages and not _answered(verdict.outcomes)
    return Connection(
        kind=cut.kind,
        nodes=None if unknown else nodes,
        has_next=more,
        has_previous=cut.after is not None,
        verdict=verdict,
        completeness=verdict.completeness,
        failures=verdict.failures,
    )


def _answered(outcomes: Sequence[Outcome]) -> bool:
    return any(outcome.answered for outcome in outcomes)
