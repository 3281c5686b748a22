"""Resolvers whose answer follows from one attribute of the parent: a plan calls such a one for the
first parent with a value, and not for the others.
"""

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_FOLLOWS: dict[Callable[..., Any], str] = {}


def follows_from(attribute: str) -> Callable[[F], F]:
    """Declares that within an operation a synchronous resolver answers the same for all parents
    that are equal in this attribute, which can be hashed.
    """

    def declare(resolver: F) -> F:
        _FOLLOWS[resolver] = attribute
        return resolver

    return declare


def followed_by(resolver: Callable[..., Any]) -> str | None:
    return _FOLLOWS.get(resolver)
