"""`knownas identity explain`: why records are held to be one person, or two.

Values are left out: they are personal, and a terminal keeps what it shows.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from domain.customer import Cluster, Link, LinkEvidence
from domain.errors import InputError, UnknownCustomer
from domain.ids import CUSTOMER_PREFIX, CustomerId, Kind, MalformedNodeId, SourceKey, source_key
from domain.records import Contact
from domain.vocabulary import LinkStatus
from gateway.bootstrap import Program, opened
from gateway.commands.parameters import DEFAULT_CONFIG, ConfigFile, configured
from gateway.server import run as run_async
from gateway.terminal import say
from resolvers.links import summary

Weighed = tuple[Link, tuple[LinkEvidence, ...]]

First = Annotated[str, typer.Argument(help="A customer's id (cus_...), or a record as system/id.")]
Second = Annotated[str | None, typer.Argument(help="Another one: only what is between the two.")]


def explain(first: First, second: Second = None, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Print why records are held to be one person, or two: every comparison with its weight."""

    async def explained() -> None:
        async with opened(configured(config)) as program:
            if second is None:
                await of_one(program, first)
            else:
                await between(program, first, second)

    run_async(explained())


async def of_one(program: Program, name: str) -> None:
    """The records of a customer, and every link that touches them. Raises UnknownCustomer."""
    found = await _customer(program, name)
    say(f"{found.id}\tversion {found.version}\tconfidence {found.confidence:.4f}")
    for member in found.members:
        say(f"record\t{_record(member)}")
    (links,) = await program.people.links([found.id])
    for link, evidence in await _evidence(program, links):
        tell(link, evidence)


async def between(program: Program, first: str, second: str) -> None:
    """The links from one to the other. Two records that no link joins are weighed as they are.
    Raises UnknownCustomer.
    """
    one, other = await _records(program, first), await _records(program, second)
    links = await program.state.identities.links([*one, *other])
    found = [link for link in links if _joins(link, one, other)]
    if found:
        weighed = await _evidence(program, found)
    elif len(one) == len(other) == 1 and one != other:
        weighed = [await _weighed(program, one[0], other[0])]
    else:
        say(f"no link between {first} and {second}")
        return
    for link, evidence in weighed:
        tell(link, evidence)


def tell(link: Link, evidence: Sequence[LinkEvidence]) -> None:
    """A link with its weight, what it is made of, and the sentence a support agent reads."""
    weight = "" if link.match_weight is None else f"\t{link.match_weight:+.2f}"
    ends = f"{_record(link.left)} - {_record(link.right)}"
    say(f"{link.status.value.lower()}\t{ends}\t{link.method.value.lower()}{weight}")
    say(f"  {summary(link, evidence)}")
    if evidence and link.prior_weight is not None:
        say(f"  prior\t\t{link.prior_weight:+.2f}")
    for one in evidence:
        often = one.term_frequency_weight
        part = f"\t{often:+.2f} of it by how frequent the value is" if often else ""
        say(f"  {one.comparison}\t{one.level}\t{one.match_weight:+.2f}{part}")


# ---------------------------------------------------------------- what is named


async def _customer(program: Program, name: str) -> Cluster:
    ids: list[CustomerId | None] = [CustomerId(name)]
    if not name.startswith(f"{CUSTOMER_PREFIX}_"):
        ids = await program.people.of_records([_key(name)])
    (found,) = await program.people.clusters([id for id in ids if id is not None]) or [None]
    if found is None:
        raise UnknownCustomer(f"{name}: no customer has, or ever had, this id")
    return found


async def _records(program: Program, name: str) -> Sequence[SourceKey]:
    if name.startswith(f"{CUSTOMER_PREFIX}_"):
        return (await _customer(program, name)).members
    return (_key(name),)


def _key(name: str) -> SourceKey:
    """Of `system/id`, or of the id that the graph gives a record. Raises InputError."""
    source, slash, external_id = name.partition("/")
    if slash:
        return SourceKey(source, Kind.CONTACT, external_id)
    try:
        return source_key(name)
    except MalformedNodeId:
        told = f"{name}: neither a customer (cus_...) nor a record (system/id)"
        raise InputError(told) from None


def _record(key: SourceKey) -> str:
    return f"{key.source}/{key.external_id}"


# ---------------------------------------------------------------- weighing


def _joins(link: Link, one: Sequence[SourceKey], other: Sequence[SourceKey]) -> bool:
    ends = (link.left, link.right)
    return any(a in one and b in other for a, b in (ends, ends[::-1]))


async def _evidence(program: Program, links: Sequence[Link]) -> list[Weighed]:
    keys = [key for link in links for key in (link.left, link.right)]
    kept = await program.state.records.contacts(keys)
    ends = list(zip(kept[::2], kept[1::2], strict=True))
    found = await program.people.explain(
        [(link, left, right) for link, (left, right) in zip(links, ends, strict=True)]
    )
    return list(zip(links, found, strict=True))


async def _weighed(program: Program, one: SourceKey, other: SourceKey) -> Weighed:
    left, right = [await _stored(program, key) for key in (one, other)]
    own = [form for each in (left, right) for form in program.people.canonical(each)]
    flags = await program.people.shared(own)
    shared = frozenset(form for form, flag in zip(own, flags, strict=True) if flag)
    link = await program.referee.weigh(left, right, shared)
    owners = await program.people.of_records([one, other])
    if owners[0] is not None and owners[0] == owners[1]:
        link = replace(link, status=LinkStatus.AUTO)
    ((found, evidence),) = await _evidence(program, [link])
    return found, evidence


async def _stored(program: Program, key: SourceKey) -> Contact:
    (found,) = await program.state.records.contacts([key])
    if found is None:
        raise UnknownCustomer(f"{_record(key)}: no such record is stored")
    return found
