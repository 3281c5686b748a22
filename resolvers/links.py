"""Why records are held to be one person."""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from domain.customer import Link, LinkEvidence
from domain.ids import CustomerId, SourceKey
from domain.records import Contact
from domain.vocabulary import LinkStatus
from resolvers.access import may_read_anybody

if TYPE_CHECKING:
    from resolvers.operation import Operation


async def of_customers(
    operation: "Operation", ids: Sequence[CustomerId], status: Collection[LinkStatus] | None
) -> list[tuple[Link, ...]]:
    """The links of each customer, in order, whose records are both still kept. Who may not read
    anybody sees those within the customer: the others name other people's records.
    """
    links = await operation.services.identity.links(ids, status)
    kept = await _kept(operation, (key for some in links for link in some for key in ends(link)))
    if may_read_anybody(operation):
        return [tuple(link for link in some if kept.issuperset(ends(link))) for some in links]
    clusters = await operation.services.identity.clusters(ids)
    own = [kept.intersection(cluster.members) if cluster else set() for cluster in clusters]
    return [
        tuple(link for link in some if members.issuperset(ends(link)))
        for some, members in zip(links, own, strict=True)
    ]


def ends(link: Link) -> tuple[SourceKey, SourceKey]:
    return link.left, link.right


async def _kept(operation: "Operation", keys: Iterable[SourceKey]) -> set[SourceKey]:
    wanted = list(dict.fromkeys(keys))
    rows = await operation.loaders.kept_rows(wanted)
    return {key for key, row in zip(wanted, rows, strict=True) if row is not None}


async def explain(operation: "Operation", links: Sequence[Link]) -> list[tuple[LinkEvidence, ...]]:
    """The evidence of each link, in order."""
    rows: list[Contact | None] = await operation.loaders.kept_rows(
        [key for link in links for key in ends(link)]
    )
    pairs = zip(links, rows[::2], rows[1::2], strict=True)
    return await operation.services.identity.explain(list(pairs))


def summary(link: Link, evidence: Sequence[LinkEvidence]) -> str:
    """One line for a person to read; names comparisons and weights, and no value."""
    parts = [f"{one.comparison} {one.level} ({one.match_weight:+.1f})" for one in evidence]
    if link.prior_weight is not None:
        parts.append(f"prior ({link.prior_weight:+.1f})")
    decision = f"{link.status.value.lower()}, {link.method.value.lower()}"
    weight = "" if link.match_weight is None else f", weight {link.match_weight:.1f}"
    return f"{decision}{weight}" + (f": {'; '.join(parts)}" if parts else "")
