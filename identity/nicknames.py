"""Which given names may stand for one another: Bob and Robert, Kasia and Katarzyna."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from importlib import resources
from types import MappingProxyType

from nicknames import name_triplets

from identity.letters import fold


@cache
def roots() -> MappingProxyType[str, tuple[str, ...]]:
    """The full names each short form may stand for, itself included, sorted.

    Two names may be one person's where their roots meet; a name that is missing is its own root.
    Sources: the `nicknames` package (English; Apache-2.0) and data/diminutives.txt (ours).
    """
    found: dict[str, set[str]] = defaultdict(set)
    for full, short in _one_way(set(_relations())):
        found[short].update((full, short))
        found[full].add(full)
    return MappingProxyType({name: tuple(sorted(names)) for name, names in found.items()})


def roots_of(given: str) -> tuple[str, ...]:
    return roots().get(given, (given,)) if given else ()


def _one_way(relations: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Where a list says both (Bill is short for Robert, Robert for Bill) the name with more short
    forms is the full one.
    """
    forms = Counter(full for full, _ in relations)
    for full, short in relations:
        if (short, full) not in relations or (forms[full], full) > (forms[short], short):
            yield full, short


def _relations() -> Iterator[tuple[str, str]]:
    for triplet in name_triplets():
        yield fold(triplet.name1), fold(triplet.name2)
    text = resources.files("identity").joinpath("data/diminutives.txt").read_text("utf-8")
    for line in text.splitlines():
        full, found, forms = line.partition(":")
        if found and not line.startswith("#"):
            yield from ((full, fold(form)) for form in forms.split())
