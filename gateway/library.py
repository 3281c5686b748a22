"""Documents by the hash of their text: those somebody trusted, and those somebody has sent before.

trusted    added by `knownas documents add`; kept in the state store
sent       by APQ: whoever sends a text with its hash may ask by the hash for a day
"""

import hashlib
from typing import Final

from domain.documents import TrustedDocuments
from domain.ports import Cache
from gateway.cache import MemoryCache
from gateway.config_kept import Documents as Settings
from gateway.refusals import NotAllowed, UnknownDocument

DOCUMENT_S: Final = 86_400.0
"""How long a document may be asked for by its hash after it was sent whole."""
SENT_BYTES: Final = 2**22
MOST_REMEMBERED: Final = 2_000
_SENT: Final = "document:"


class Library:
    """With `trusted_only` nothing runs but what is trusted, however it is sent."""

    def __init__(
        self,
        sent: Cache | None = None,
        trusted: TrustedDocuments | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._sent = sent or MemoryCache(SENT_BYTES)
        self._trusted = trusted
        self._trusted_only = settings is not None and settings.trusted_only
        self.takes_any = not self._trusted_only
        """Whether a document that comes without its hash is run as it is."""
        self._remembered: dict[str, str] = {}

    async def text(self, query: str, digest: str | None) -> str:
        """The document that is meant: `query`, or, where that is empty, the one of the digest.
        Raises UnknownDocument, NotAllowed and StoreError.
        """
        if query and not self._trusted_only:
            return query
        known = digest or hashlib.sha256(query.encode()).hexdigest()
        found = await self._found(known)
        if found is not None:
            return found
        if query:
            raise NotAllowed("only trusted documents are run; this is none of them")
        raise UnknownDocument("PersistedQueryNotFound")

    async def keep(self, query: str, digest: str) -> None:
        """What was judged and found to be of this graph may be asked for by its hash next time."""
        if query and not self._trusted_only:
            await self._sent.set_many({_SENT + digest: query.encode()}, DOCUMENT_S)

    async def _found(self, digest: str) -> str | None:
        if digest in self._remembered:
            return self._remembered[digest]
        if not self._trusted_only:
            (sent,) = await self._sent.get_many([_SENT + digest])
            if sent is not None:
                return sent.decode()
        return await self._looked_up(digest)

    async def _looked_up(self, digest: str) -> str | None:
        """In the store. One that is not there may be added at any time, so that is not kept."""
        found = await self._trusted.get(digest) if self._trusted else None
        if found is not None:
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[digest] = found
        return found
