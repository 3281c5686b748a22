"""Who a visitor id leads to: with consent, the person who identified themselves under it."""

from collections.abc import Sequence

from domain.customer import KeyKind, LookupKey
from resolvers.services import Services


async def named(services: Services, keys: Sequence[LookupKey]) -> list[LookupKey]:
    """The keys, each visitor id among them by the record it leads to."""
    return [await _record(services, key) if key.kind is KeyKind.VISITOR_ID else key for key in keys]


async def _record(services: Services, key: LookupKey) -> LookupKey:
    visitor = await services.guests.visitor(key.value) if services.guests is not None else None
    if visitor is None:
        return key
    chosen = visitor.home
    if visitor.consent and visitor.people:
        owners = await services.identity.of_records(visitor.people)
        if len(set(owners)) == 1:
            chosen = visitor.people[0]
    return LookupKey(KeyKind.EXTERNAL, chosen.external_id, chosen.source)
