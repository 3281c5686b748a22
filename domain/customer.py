"""The person: a versioned set of source records, what they agree on, and why they are held to be
one.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from domain.ids import CustomerId, SourceKey, encode_node_id
from domain.pii import pii
from domain.provenance import Provenance
from domain.records import Actor
from domain.vocabulary import (
    IdentifierKind,
    IdentityEventKind,
    LinkMethod,
    LinkStatus,
    PiiClass,
    Verification,
)


class KeyKind(StrEnum):
    """What a caller may know of a person. Values are the field names of `CustomerKey`."""

    ID = "id"
    EMAIL = "email"
    PHONE = "phone"
    ACCOUNT_NUMBER = "accountNumber"
    HANDLE = "handle"
    ORDER_NUMBER = "orderNumber"
    VISITOR_ID = "visitorId"
    EXTERNAL = "external"


class LookupKey(NamedTuple):
    """One way to a person. `scope` is the platform of a handle or the system of an external id,
    else empty. A tuple, since it is looked up a dozen times for each customer, and tuples hash and
    compare without a call.
    """

    kind: KeyKind
    value: str
    scope: str = ""

    def __repr__(self) -> str:
        return f"LookupKey(kind={self.kind!r}, scope={self.scope!r})"  # never whom it is about


@dataclass(frozen=True, slots=True)
class CanonicalIdentifier:
    """An identifier in the one form in which batch, live and look-ups compare it. `scope` as in
    LookupKey.
    """

    kind: IdentifierKind
    value: str = field(repr=False)
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The records held to be one person. `members` are sorted by key; `version` rises with every
    change of them.

    `aliases` are ids that once stood for this person. `confidence` is the weakest decision that
    holds it together (0 to 1).
    """

    id: CustomerId
    version: int
    members: tuple[SourceKey, ...]
    aliases: tuple[CustomerId, ...] = ()
    confidence: float = 1.0
    erased_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEvidence:
    """One comparison of a link: `match_weight` includes `term_frequency_weight`, both log2."""

    comparison: str
    level: str
    left: str | None = field(default=None, repr=False, metadata=pii(PiiClass.IDENTITY))
    right: str | None = field(default=None, repr=False, metadata=pii(PiiClass.IDENTITY))
    m: float | None = None
    u: float | None = None
    match_weight: float
    term_frequency_weight: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A scored or decided pair of records. `left` < `right`; weights are log2 Bayes factors."""

    left: SourceKey
    right: SourceKey
    method: LinkMethod
    status: LinkStatus
    match_weight: float | None = None
    match_probability: float | None = None
    prior_weight: float | None = None
    model_version: str | None = None
    decided_by: Actor
    decided_at: datetime
    reason: str | None = field(default=None, repr=False, metadata=pii(PiiClass.CONTENT))
    levels: str = ""
    """The comparison levels that fired, as the model of `model_version` writes them; evidence is
    worked out from it.
    """

    @property
    def id(self) -> str:
        left, right = self.left, self.right
        return encode_node_id(
            "link", left.source, left.external_id, right.source, right.external_id
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityEvent:
    """A change of who is who. `sequence` orders events and is the cursor."""

    sequence: int
    kind: IdentityEventKind
    before: tuple[CustomerId, ...]
    after: tuple[CustomerId, ...]
    by: Actor
    reason: str | None = field(default=None, repr=False)
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeValue:
    """A value of the golden record: which rule chose it, and between what (never itself)."""

    name: str
    value: str | None = field(repr=False)
    rule: str
    provenance: Provenance
    alternatives: tuple["AttributeValue", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """A way to reach or recognise the person, with every record that carries it. `shared` ones
    never link on their own.
    """

    kind: IdentifierKind
    value: str | None = field(repr=False, metadata=pii(PiiClass.CONTACT))
    platform: str | None = None
    verification: Verification
    shared: bool = False
    provenance: tuple[Provenance, ...] = ()
