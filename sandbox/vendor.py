"""What one emulated vendor hands to the rest of the sandbox: its app, its credentials, its "no"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.types import ASGIApp

from sandbox.hooks import Hooks
from sandbox.world import World

Json = Any  # a JSON value on its way to the wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer outside the app's own doing: what a fault switch sends."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)


class Dialect(Protocol):
    """How a vendor words its refusals; a fault switch asks it."""

    def unauthorized(self) -> Answer: ...

    def rate_limited(self, retry_after_s: int) -> Answer:
        """Over the limit, in the vendor's own form (Shopify: HTTP 200 with THROTTLED)."""
        ...

    def broken(self) -> Answer:
        """The vendor's internal server error (500)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One emulated platform. Each vendor module exports one as `VENDOR`.

    `build` makes the bare app over a world (no faults, no latency: the server adds them).
    `credentials` are what a client's configuration needs, e.g. {"token": ...}; all are made up.
    `hooks` makes what it tells by itself, see postman.py.
    """

    name: str
    build: Callable[[World], ASGIApp]
    dialect: Dialect
    credentials: Mapping[str, str]
    hooks: Callable[[], Hooks] | None = None
