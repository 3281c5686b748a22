"""Why records are held to be one person, or two."""

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


_VERDICTS = {
    LinkStatus.AUTO: "One person",
    LinkStatus.PENDING: "Perhaps one person",
    LinkStatus.CONFIRMED: "One person, as was decided",
    LinkStatus.REJECTED: "Two people, as was decided",
    LinkStatus.SUPERSEDED: "Two people for now",
}
_LABELS = {
    "given_name": "first name",
    "family_name": "family name",
    "others_of_the_name": "others of the name",
    "birth_date": "date of birth",
    "account_number": "account number",
    "email": "e-mail",
    "phone": "phone number",
    "handle": "social handle",
}
_TELLING = 1.0
"""Less than a factor of two is not worth a word in one sentence."""


def label(comparison: str) -> str:
    """What a comparison is called before people."""
    return _LABELS.get(comparison, comparison.replace("_", " "))


def summary(link: Link, evidence: Sequence[LinkEvidence]) -> str:
    """One sentence for a support agent: what is held of the two records, what speaks most for it
    and what against. It names no value, so it is for everybody who may see the link.
    """
    ordered = sorted(evidence, key=lambda one: -one.match_weight)
    alike = [_phrase(one) for one in ordered if one.match_weight >= _TELLING][:3]
    unlike = [_phrase(one) for one in reversed(ordered) if one.match_weight <= -_TELLING][:2]
    first, second, between = alike, unlike, "but"
    if link.status in {LinkStatus.REJECTED, LinkStatus.SUPERSEDED}:
        first, second, between = unlike, alike, "although"
    told = f": {_listed(first)}" if first else ""
    against = f", {between} {_listed(second)}" if second else ""
    return f"{_VERDICTS[link.status]}{told}{against}."


def _phrase(one: LinkEvidence) -> str:
    often = one.term_frequency_weight or 0.0
    rarity = " (a rare one)" if often >= 2 else " (a common one)" if often <= -2 else ""
    return f"{_said(one)}{rarity}"


def _said(one: LinkEvidence) -> str:
    """`same e-mail`, `same first name, at one home`, `nobody else of that name`."""
    name, level = label(one.comparison), one.level
    if one.comparison == "others_of_the_name":
        return f"{level} of that name"
    verdict, comma, more = level.partition(",")
    if verdict in {"same", "different"}:
        return f"{verdict} {name}{comma}{more}"
    if one.comparison == "home" or level == "same landline":
        return level
    return f"{name}: {level}"


def _listed(phrases: Sequence[str]) -> str:
    *most, last = phrases
    return f"{', '.join(most)} and {last}" if most else last
