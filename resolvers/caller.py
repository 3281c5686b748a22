"""Who is asking, and what they may see."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.customer import LookupKey
from domain.vocabulary import PiiClass, Verification

ANY_CUSTOMER = "customer:any"
STAFF = "staff"
INGEST = "ingest"
INGEST_VERIFIED = "ingest:verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A token's owner. `proven` are the keys it has shown to be its own, and how."""

    name: str
    scopes: frozenset[str] = frozenset()
    proven: Mapping[LookupKey, Verification] = field(default_factory=dict, repr=False)

    def may(self, scope: str) -> bool:
        return scope in self.scopes

    @property
    def may_tell(self) -> bool:
        """Whether it may tell what happens in interactions."""
        return any(map(self.may, (INGEST, INGEST_VERIFIED, STAFF)))

    @property
    def is_believed(self) -> bool:
        """Whether it may say of others that they have proven who they are."""
        return any(map(self.may, (INGEST_VERIFIED, STAFF, ANY_CUSTOMER)))

    @property
    def visible(self) -> frozenset[PiiClass]:
        """The classes of personal data it sees unmasked (scopes `pii:<class>`)."""
        return frozenset(cls for cls in PiiClass if f"pii:{cls.value.lower()}" in self.scopes)

    @property
    def trusted_keys(self) -> tuple[LookupKey, ...]:
        """Keys proven well enough to open history."""
        enough = Verification.VERIFIED.strength
        return tuple(key for key, how in self.proven.items() if how.strength >= enough)
