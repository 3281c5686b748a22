"""Why a decision was not made, in words for the person who wanted it; and who wanted it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.errors import IdentityError
from domain.records import Actor


class Code(StrEnum):
    """What stands in `UserError.code`."""

    STALE_VERSION = "STALE_VERSION"
    UNKNOWN_CUSTOMER = "UNKNOWN_CUSTOMER"
    UNKNOWN_RECORD = "UNKNOWN_RECORD"
    UNKNOWN_LINK = "UNKNOWN_LINK"
    NOTHING_TO_DECIDE = "NOTHING_TO_DECIDE"
    REJECTED_BEFORE = "REJECTED_BEFORE"
    CONFLICT = "CONFLICT"
    TOO_LARGE = "TOO_LARGE"
    KEY_REUSED = "KEY_REUSED"
    INVALID = "INVALID"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    UNKNOWN_SYSTEM = "UNKNOWN_SYSTEM"
    ALREADY_KNOWN = "ALREADY_KNOWN"


@dataclass(frozen=True, slots=True)
class UserError:
    """`field` is the path in the arguments to what is at fault."""

    code: Code
    message: str
    field: tuple[str, ...] | None = None


class Refused(IdentityError):
    """A decision that cannot be carried out; raised by a rule, it leaves everything as it was."""

    def __init__(self, *errors: UserError) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Who decides, when and why."""

    by: Actor
    at: datetime
    reason: str = field(repr=False)
