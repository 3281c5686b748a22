"""Values known to be shared that a record lets go of, as it changes or goes: who still carries one
has to be settled again, for it may be theirs alone now.
"""

from collections.abc import Collection

from sqlalchemy import Connection, and_, select

from state import bulk, live_index
from state.tables import contact_identifiers, shared_identifiers

_own = contact_identifiers.c
_same = and_(shared_identifiers.c.value == _own.value, shared_identifiers.c.kind == _own.kind)
_SHARED = select(_own.value).join(shared_identifiers, _same).where(bulk.among(_own.key))
# The first by the index, however many there are.
_first = select(_own.key).where(_same).order_by(_own.scope, _own.key).limit(1)
_CARRIER = select(_first.scalar_subquery().label("key")).where(
    bulk.among(shared_identifiers.c.value)
)


def shared_by(connection: Connection, keys: Collection[str]) -> list[str]:
    """The values of these records that others use as well, as far as is known."""
    if not keys:
        return []
    return sorted({row.value for row in bulk.answers(connection, _SHARED, keys)})


def wake(connection: Connection, values: Collection[str]) -> list[str]:
    """Let one carrier of each wait to be settled: whoever judges a value otherwise than it stood
    looks at all who carry it. Returns their keys.
    """
    if not values:
        return []
    found = bulk.answers(connection, _CARRIER, values)
    keys = sorted({key for (key,) in found if key is not None})
    live_index.wait(connection, keys)
    return keys
