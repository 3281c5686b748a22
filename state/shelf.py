"""Sealed tokens of sources on SQL."""

from sqlalchemy import Connection, select

from domain.ports import Clock
from domain.tokens import SealedToken
from state import bulk, leases
from state.tables import source_tokens
from state.transactions import Transactions


class SqlTokenShelf:
    """Implements `domain.tokens.TokenShelf`."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def get(self, name: str) -> SealedToken | None:
        return await self._transactions.read(_get, name)

    async def put(self, name: str, sealed: bytes, holder: str) -> None:
        def store(connection: Connection) -> None:
            known = _get(connection, name)
            version = known.version + 1 if known else 1
            row = {"name": name, "sealed": sealed, "version": version}
            bulk.upsert(connection, source_tokens, [row])
            leases.end(connection, _turn(name), holder)

        await self._transactions.write_apart(store)

    async def lease(self, name: str, holder: str, lease_s: float) -> bool:
        now = self._clock.now()
        return await self._transactions.write_apart(leases.take, _turn(name), holder, now, lease_s)

    async def release(self, name: str, holder: str) -> None:
        await self._transactions.write_apart(leases.end, _turn(name), holder)


def _get(connection: Connection, name: str) -> SealedToken | None:
    row = connection.execute(select(source_tokens).where(source_tokens.c.name == name)).first()
    return None if row is None else SealedToken(sealed=row.sealed, version=row.version)


def _turn(name: str) -> str:
    return f"token {name}"
