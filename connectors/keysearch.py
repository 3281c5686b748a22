"""`search`: the contacts of one source that carry a key now."""

from collections.abc import Mapping

from connectors.batch import BatchReader
from connectors.desk import Desk
from connectors.gathering import listed
from connectors.matching import carries
from connectors.spec import KeyRead, SearchAsk
from domain.customer import KeyKind, LookupKey
from domain.errors import NotSupported, SourceError, SourceProtocolError
from domain.records import Contact
from domain.sources import Deadline


class KeySearcher:
    """The `KeySearch` port. An id of this very source is read instead of searched."""

    def __init__(
        self, desk: Desk, forms: Mapping[KeyKind, KeyRead], own: BatchReader | None
    ) -> None:
        self._desk = desk
        self._forms = forms
        self._own = own

    async def search(self, key: LookupKey, deadline: Deadline) -> list[Contact]:
        if key.kind is KeyKind.EXTERNAL and key.scope == self._desk.source and self._own:
            return await self._by_id(self._own, key.value, deadline)
        form = self._forms.get(key.kind)
        if form is None:
            raise NotSupported(self._desk.source, f"no search by {key.kind.value}")
        ask = SearchAsk(key=key, options=self._desk.options)
        sheet = await listed(self._desk, form, ask, deadline)
        contacts = {r.key.external_id: r for r in sheet.records if isinstance(r, Contact)}
        found = [c for c in contacts.values() if not form.exact or carries(c, key)]
        if form.strict and len(found) < len(contacts):
            self._desk.ignored(f"search {key.kind.value}", len(contacts) - len(found))
            if not found:
                raise SourceProtocolError(self._desk.source, "contacts that were not searched for")
        if not found and not sheet.whole:
            # "Nobody" would be a guess: what was left out may be the one asked for.
            raise SourceProtocolError(self._desk.source, "contacts were left out of the page")
        return found

    async def _by_id(
        self, reader: BatchReader, external_id: str, deadline: Deadline
    ) -> list[Contact]:
        found = (await reader.get_many([external_id], None, deadline))[0]
        if isinstance(found, SourceError):
            raise found
        return [found] if isinstance(found, Contact) else []
