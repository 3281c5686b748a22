"""Every scope a caller may have."""

from typing import Final

from domain.vocabulary import PiiClass
from resolvers.caller import ANY_CUSTOMER, INGEST, INGEST_VERIFIED, STAFF

SCOPES: Final = frozenset(
    {
        ANY_CUSTOMER,
        STAFF,
        INGEST,
        INGEST_VERIFIED,
        *(f"pii:{cls.value.lower()}" for cls in PiiClass),
    }
)
