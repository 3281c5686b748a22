"""Trusted documents on SQL."""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from domain.ports import Clock
from state import bulk
from state.tables import trusted_documents
from state.transactions import Transactions


class SqlDocuments:
    """Implements `domain.documents.TrustedDocuments`."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def add(self, documents: Mapping[str, str]) -> int:
        now = self._clock.now()

        def store(connection: Connection) -> int:
            rows = [
                {"digest": digest, "text": text.encode(), "added_at": now}
                for digest, text in sorted(documents.items())
                if _get(connection, digest) is None
            ]
            bulk.upsert(connection, trusted_documents, rows)
            return len(rows)

        return await self._transactions.write_apart(store)

    async def get(self, digest: str) -> str | None:
        return await self._transactions.read(_get, digest)


def _get(connection: Connection, digest: str) -> str | None:
    found = select(trusted_documents.c.text).where(trusted_documents.c.digest == digest)
    text: bytes | None = connection.execute(found).scalar()
    return None if text is None else text.decode()
