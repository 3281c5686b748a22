"""Every scope a caller may have."""

from typing import Final

from domain.vocabulary import PiiClass
from resolvers.caller import ANY_CUSTOMER, STAFF

SCOPES: Final = frozenset({ANY_CUSTOMER, STAFF, *(f"pii:{cls.value.lower()}" for cls in PiiClass)})
