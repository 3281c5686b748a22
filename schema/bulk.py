"""Resolvers that answer for many parents at once: what a compiled plan calls for a list.

graphql-core calls a resolver for each parent, and the loaders make one batch of these calls; a plan
has all parents at hand, so a task and a wait for each are spared. A field has both forms side by
side, over the same functions.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


Many = Callable[..., Awaitable[Sequence[Any]]]
"""`many(parents, context, place, **arguments)`: `place(i)` is the `info` of the i-th parent, made
where it is needed. The answer has one entry per parent, in order.
"""

_MANY: dict[Callable[..., Any], Many] = {}


def with_many(many: Many) -> Callable[[F], F]:
    """Declares the other form of a resolver."""

    def declare(resolver: F) -> F:
        _MANY[resolver] = many
        return resolver

    return declare


OfAll = Callable[[Sequence[Any], Any], Sequence[Any]]
"""`of_all(parents, context)`: what a resolver without arguments, which waits for nothing, answers
for each of the parents, in order. What it raises is the error of every one of them.
"""

_OF_ALL: dict[Callable[..., Any], OfAll] = {}


def with_all(of_all: OfAll) -> Callable[[F], F]:
    """Declares the other form of a synchronous resolver; it is called for fields that come late."""

    def declare(resolver: F) -> F:
        _OF_ALL[resolver] = of_all
        return resolver

    return declare


def all_of(resolver: Callable[..., Any]) -> OfAll | None:
    return _OF_ALL.get(resolver)


_IN_ONE_GO: set[Callable[..., Any]] = set()


def in_one_go(resolver: F) -> F:
    """Declares that a resolver asks each loader once, for everything it needs, and for nothing that
    another resolver so declared asks for.
    """
    _IN_ONE_GO.add(resolver)
    return resolver


def asks_in_one_go(resolver: Callable[..., Any]) -> bool:
    return resolver in _IN_ONE_GO


def many_of(resolver: Callable[..., Any]) -> Many | None:
    return _MANY.get(resolver)
