"""What a caller may be allowed, by name."""

from typing import Final

from domain.vocabulary import PiiClass

CUSTOMER_ANY: Final = "customer:any"
"""Any key leads to its customer, without proof."""
STAFF: Final = "staff"
"""Internal messages are shown."""

SCOPES: Final = frozenset({CUSTOMER_ANY, STAFF, *(f"pii:{cls.value.lower()}" for cls in PiiClass)})
