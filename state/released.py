"""Values known to be shared that a record lets go of, as it changes or goes: who still carries one
has to be settled again, for it may be theirs alone now.
"""

from collections.abc import Collection

from sqlalchemy import Connection, and_, func, select

from state import bulk, live_index
from state.tables import contact_identifiers, shared_identifiers

_own = contact_identifiers.c
_SHARED = (
    select(_own.value, _own.kind)
    .join(
        shared_identifiers,
        and_(
            shared_identifiers.c.value == _own.value,
            shared_identifiers.c.kind == _own.kind,
        ),
    )
    .where(bulk.among(_own.key))
)
_CARRIER = select(func.min(_own.key)).where(bulk.among(_own.value)).group_by(_own.value, _own.kind)


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
    keys = sorted({key for (key,) in found})
    live_index.wait(connection, keys)
    return keys
