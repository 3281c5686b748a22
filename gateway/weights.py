"""How many bytes a record takes in memory, about: for caches that are bounded by bytes."""

from typing import Final

from state.codec import encode

ENTRY: Final = 350
"""What a cache keeps of each entry beside its key and value, and the least that these take."""
PER_BYTE: Final = 3
"""Of JSON. A record of short fields takes that; one of long texts takes less than it is said to."""


def weight(value: object) -> int:
    """Of a value with all it holds. Written out as JSON and not walked through, since a contact is
    walked through in 55 us and written in 4.
    """
    return PER_BYTE * len(encode(value))
