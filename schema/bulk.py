"""Resolvers that answer for many parents at once: what a compiled plan calls for a list.

graphql-core calls a resolver for each parent, and the loaders make one batch of these calls; a plan
has all parents at hand, so a task and a wait for each are spared. A field has both forms side by
side, over the same functions.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


Many = Callable[..., Awaitable[Sequence[Any]]]
"""`many(parents, context, place, **arguments)`: `place(i)` is the `info` of the i-th parent, made
where it is needed. The answer has one entry per parent, in order.
"""

AtHand = Callable[..., Sequence[Any] | None]
"""As `Many`, where nothing has to be waited for; None where it has."""

_MANY: dict[Callable[..., Any], Many] = {}
_AT_HAND: dict[Callable[..., Any], AtHand] = {}


def with_many(many: Many, at_hand: AtHand | None = None) -> Callable[[F], F]:
    """Declares the other form of a resolver, and the one that is tried before it."""

    def declare(resolver: F) -> F:
        _MANY[resolver] = many
        if at_hand is not None:
            _AT_HAND[resolver] = at_hand
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


def at_hand_of(resolver: Callable[..., Any]) -> AtHand | None:
    return _AT_HAND.get(resolver)


EachOf = Callable[..., Awaitable[Sequence[Any]]]
"""`each_of(said, context, place)`: what a resolver of the root answers to several requests. `said`
are the arguments of each; all but one of these are the same for all. `place(i)` as above. `APART`
stands for what one of them has to find out by itself, which would keep the others waiting.
"""
APART: Final = object()

_EACH: dict[Callable[..., Any], tuple[EachOf, str]] = {}


def with_each(each: EachOf, argument: str) -> Callable[[F], F]:
    """Declares the form of a resolver of the root that answers several requests, which differ in
    this argument.
    """

    def declare(resolver: F) -> F:
        _EACH[resolver] = each, argument
        return resolver

    return declare


def each_of(resolver: Callable[..., Any]) -> tuple[EachOf, str] | None:
    """With the name in the graph of the argument in which requests may differ."""
    return _EACH.get(resolver)


def many_of(resolver: Callable[..., Any]) -> Many | None:
    return _MANY.get(resolver)
