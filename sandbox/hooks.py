"""What an emulated platform says by itself when its data change, signed as its vendor signs.

Each vendor's `hooks.py` makes notices of changes; `postman.py` delivers them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sandbox.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one row. `before` is None for a new one, `after` for one that was erased;
    `number` counts the world's changes.
    """

    system: str
    kind: str
    number: int
    at: datetime
    before: Row | None
    after: Row | None

    @property
    def row(self) -> Row:
        found = self.after or self.before
        assert found is not None  # noqa: S101 - a change has a row
        return found

    @property
    def happening(self) -> str:
        """created, updated, deleted or erased."""
        if self.after is None:
            return "erased"
        if self.before is None:
            return "created"
        died = self.after.deleted_at is not None and self.before.deleted_at is None
        return "deleted" if died else "updated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A delivery before it is signed."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Hooks(Protocol):
    """A vendor's webhooks."""

    def notices(self, change: Change) -> Sequence[Notice]:
        """What is told of a change; nothing of most kinds of most rows."""
        ...

    def signed(self, notice: Notice, url: str, secret: str, at: datetime) -> Mapping[str, str]:
        """The headers of one attempt to deliver it."""
        ...


def sha256_base64(secret: str, covered: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), covered, hashlib.sha256).digest()).decode()


def sha1_hex(secret: str, covered: bytes) -> str:
    return hmac.new(secret.encode(), covered, hashlib.sha1).hexdigest()
