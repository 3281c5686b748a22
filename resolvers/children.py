"""Orders, tickets and conversations of many people at once, merged over sources and over the
several rows one person has in a source.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from domain.sources import Parent, Source
from domain.waiting import together
from resolvers.connection import Connection, merge
from resolvers.ledger import Outcome, Verdict
from resolvers.pages import Cut, Found, read_each
from resolvers.parents import Parents, parents_in
from resolvers.people import Person

if TYPE_CHECKING:
    from resolvers.operation import Operation


async def fetch(operation: "Operation", people: Sequence[Person], cut: Cut) -> list[Connection]:
    """One connection per person, in order; unmasked."""
    services = operation.services
    sources = services.holding(cut.kind)
    asked = await together([parents_in(services, source, people) for source in sources])
    parents: dict[str, list[Parent]] = {
        source.name: [parent for answer in answers for parent in answer.parents]
        for source, answers in zip(sources, asked, strict=True)
    }
    found = await read_each(operation, parents, cut)
    rest = [iter(found.get(source.name, ())) for source in sources]
    verdicts: dict[int, Verdict] = {}
    connections = []
    for person, *answers in zip(people, *asked, strict=True):
        own, outcomes = _own(sources, answers, rest)
        verdict = verdicts.get(id(outcomes))  # they are alike for all whose page came at once
        if verdict is None:
            verdict = verdicts[id(outcomes)] = Verdict(sources, outcomes)
        operation.ledger.note((person.cluster.id,), outcomes)
        connections.append(_connected(own, verdict, cut))
    return connections


def _own(
    sources: Sequence[Source], answers: Sequence[Parents], rest: Sequence[Iterator[Found]]
) -> tuple[list[Found], Sequence[Outcome]]:
    """What came for one person, and the outcome of every source that could hold more."""
    own = [
        one
        for answer, more in zip(answers, rest, strict=True)
        for one in islice(more, len(answer.parents))
    ]
    withheld = [
        Outcome(source=source.name, answered=False, note=answer.withheld)
        for source, answer in zip(sources, answers, strict=True)
        if answer.withheld is not None
    ]
    if len(own) == 1 and not withheld:
        return own, own[0].outcomes
    return own, [*(outcome for one in own for outcome in one.outcomes), *withheld]


def connect(
    sources: Sequence[Source], found: Sequence[Found], outcomes: Sequence[Outcome], cut: Cut
) -> Connection:
    """What came from several parents as one page; unknown where no source answered."""
    return _connected(found, Verdict(sources, outcomes), cut)


def _connected(found: Sequence[Found], verdict: Verdict, cut: Cut) -> Connection:
    pages = [one.page for one in found if one.page is not None]
    nodes, more = merge(pages, cut.first, cut.after)
    unknown = bool(verdict.outcomes) and not pages and not _answered(verdict.outcomes)
    return Connection(cut.kind, None if unknown else nodes, more, cut.after is not None, verdict)


def _answered(outcomes: Sequence[Outcome]) -> bool:
    return any(outcome.answered for outcome in outcomes)
