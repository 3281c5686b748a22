"""New customer ids. Nothing of a record goes into them."""

from ulid import ULID

from domain.ids import CUSTOMER_PREFIX, CustomerId


def mint() -> CustomerId:
    return CustomerId(f"{CUSTOMER_PREFIX}_{ULID()}")
