"""What is asked of a vendor, and what it said, as values. A connector never holds a client."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

_PLAIN = re.compile(r"[A-Za-z0-9_.~,-]*")
Pairs = tuple[tuple[str, str], ...]

ACCOUNT = "account"
"""The rate limit that everything counts against, where a request names no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call. `path` lies below the source's base URL and starts with a slash, parts quoted.

    `read` says that asking again changes nothing: only reads are retried and shared between
    callers. `lanes` are the rate limits of the spec it counts against, with `cost` units each.
    `empty` are statuses that mean "no such row" here; they give a reply without data.
    """

    method: str = "GET"
    path: str
    query: Pairs = field(default=(), repr=False)
    headers: Pairs = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    read: bool = True
    lanes: tuple[str, ...] = (ACCOUNT,)
    cost: float = 1.0
    empty: frozenset[int] = frozenset()

    @property
    def target(self) -> str:
        """Path and query as they go over the wire."""
        if not self.query:
            return self.path
        return f"{self.path}?{'&'.join([f'{_quoted(k)}={_quoted(v)}' for k, v in self.query])}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A decoded answer. Header names are in lower case; `data` is None where there was no body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    data: Any = field(repr=False)


def _quoted(value: str) -> str:
    """As `quote` says it; lists of plain ids without asking it of each character."""
    if _PLAIN.fullmatch(value):
        return value.replace(",", "%2C")
    return quote(value)


def segment(value: str) -> str:
    """A value as one part of a path."""
    return quote(value, safe="")


def get(
    path: str,
    query: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    *,
    headers: Pairs = (),
    lanes: tuple[str, ...] = (ACCOUNT,),
    cost: float = 1.0,
    empty: frozenset[int] = frozenset(),
) -> Request:
    """A GET; `query` may repeat a name when given as pairs."""
    pairs = query.items() if isinstance(query, Mapping) else query
    return Request(
        path=path, query=tuple(pairs), headers=headers, lanes=lanes, cost=cost, empty=empty
    )


def post(
    path: str,
    body: Mapping[str, Any],
    *,
    query: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    headers: Pairs = (),
    lanes: tuple[str, ...] = (ACCOUNT,),
    cost: float = 1.0,
    empty: frozenset[int] = frozenset(),
) -> Request:
    """A POST that reads (a search, a batch): JSON in the body, safe to repeat."""
    pairs = query.items() if isinstance(query, Mapping) else query
    return Request(
        method="POST",
        path=path,
        query=tuple(pairs),
        headers=(("content-type", "application/json"), *headers),
        body=orjson.dumps(body),
        lanes=lanes,
        cost=cost,
        empty=empty,
    )


def graphql(path: str, query: str, variables: Mapping[str, Any], *, cost: float = 1.0) -> Request:
    """A GraphQL query (never a mutation) that counts `cost` points where the vendor counts them."""
    return post(path, {"query": query, "variables": dict(variables)}, cost=cost)
