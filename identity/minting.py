"""New customer ids. Nothing of a record goes into them."""

import os

from ulid import ULID

from domain.ids import CUSTOMER_PREFIX, CustomerId

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, as in the ULID specification."""
_TIME_DIGITS, _RANDOM_DIGITS = 10, 16
_DIGIT_OF_BYTE = (_DIGITS * 8).encode()


def mint() -> CustomerId:
    return CustomerId(f"{CUSTOMER_PREFIX}_{ULID()}")


def mint_many(number: int) -> list[CustomerId]:
    """Of one moment, sorted."""
    begin = f"{CUSTOMER_PREFIX}_{str(ULID())[:_TIME_DIGITS]}"
    drawn = os.urandom(_RANDOM_DIGITS * number).translate(_DIGIT_OF_BYTE).decode()
    places = range(0, len(drawn), _RANDOM_DIGITS)
    return sorted(CustomerId(begin + drawn[at : at + _RANDOM_DIGITS]) for at in places)
