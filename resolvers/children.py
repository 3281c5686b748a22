"""Orders, tickets and conversations of many people at once, merged over sources and over the
several rows one person has in a source.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from domain.sources import Parent, Source
from domain.waiting import together
from resolvers.connection import Connection, merge
from resolvers.lately import Spot
from resolvers.ledger import Outcome
from resolvers.pages import Cut, Found, read
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
    found = await read(operation, parents, cut)
    connections = []
    for i, person in enumerate(people):
        answers = [some[i] for some in asked]
        own, outcomes = _own(sources, answers, found)
        operation.ledger.note([person.cluster.id], outcomes)
        connections.append(connect(sources, own, outcomes, cut))
    return connections


def _own(
    sources: Sequence[Source], answers: Sequence[Parents], found: Mapping[Spot, Found]
) -> tuple[list[Found], list[Outcome]]:
    """What came for one person, and the outcome of every source that could hold more."""
    own: list[Found] = []
    outcomes: list[Outcome] = []
    for source, answer in zip(sources, answers, strict=True):
        pages = [found[source.name, parent] for parent in answer.parents]
        own.extend(pages)
        outcomes.extend(outcome for page in pages for outcome in page.outcomes)
        if answer.withheld is not None:
            outcomes.append(Outcome(source=source.name, answered=False, note=answer.withheld))
    return own, outcomes


def connect(
    sources: Sequence[Source],
    found: Sequence[Found],
    outcomes: Sequence[Outcome],
    cut: Cut,
) -> Connection:
    """What came from several parents as one page; unknown where no source answered."""
    pages = [one.page for one in found if one.page is not None]
    nodes, more = merge(pages, cut.first, cut.after)
    unknown = bool(outcomes) and not any(outcome.answered for outcome in outcomes)
    return Connection(
        kind=cut.kind,
        nodes=None if unknown else nodes,
        has_next=more,
        has_previous=cut.after is not None,
        asked=sources,
        outcomes=outcomes,
    )
