"""What is known of a customer and their matter, so that nobody asks for it again."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from domain.context import Slot
from domain.ids import Kind, SourceKey
from domain.provenance import Provenance
from resolvers import people
from resolvers.customer import Customer
from resolvers.matters import Matter
from resolvers.people import Person
from resolvers.survivorship import ATTRIBUTES, golden

if TYPE_CHECKING:
    from resolvers.operation import Operation

NAME, EMAIL, PHONE, ADDRESS = "name", "email", "phone", "address"
_OF_PERSON: Final = (NAME, EMAIL, PHONE, ADDRESS)
CONTACT: Final = "contact"
"""A way to reach the customer: the e-mail, else the phone."""
ORDER_NUMBER, CASE, REASON = "order_number", "case", "reason"
NAMES: Final = frozenset({NAME, EMAIL, PHONE, ADDRESS, CONTACT, ORDER_NUMBER, CASE, REASON})
_ALIASES = {
    "full_name": NAME,
    "customer_name": NAME,
    "e_mail": EMAIL,
    "email_address": EMAIL,
    "mail": EMAIL,
    "phone_number": PHONE,
    "telephone": PHONE,
    "mobile": PHONE,
    "order": ORDER_NUMBER,
    "order_id": ORDER_NUMBER,
    "case_id": CASE,
    "case_number": CASE,
    "ticket": CASE,
    "ticket_number": CASE,
    "postal_address": ADDRESS,
}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def named(slot: str) -> str:
    """The name under which a slot is known here: `orderNumber` and "order number" are one."""
    plain = re.sub(r"[\s-]+", "_", _CAMEL.sub("_", slot.strip())).lower()
    return _ALIASES.get(plain, plain)


async def known(
    operation: "Operation", owner: Customer, matter: Matter | None, *, about_person: bool = True
) -> tuple[Slot, ...]:
    """As the caller may see them: each value is masked by the class of what it is."""
    found = [] if matter is None else list(_of_matter(matter))
    if about_person:
        found = [*await _of_person(operation, owner), *found]
    return tuple(found)


async def _of_person(operation: "Operation", owner: Customer) -> list[Slot]:
    person = await _person(operation, owner)
    if person is None:
        return []
    found: dict[str, Slot] = {}
    for name in _OF_PERSON:
        best = golden(name, person.contacts)
        if best is not None and best.value is not None:
            shown = operation.masks.apply(best)
            found[name] = _slot(name, shown.value, best.provenance, Kind.CONTACT)
    reach = found.get(EMAIL) or found.get(PHONE)
    if reach is not None:
        found[CONTACT] = Slot(
            name=CONTACT, value=reach.value, provenance=reach.provenance, evidence=reach.evidence
        )
    return list(found.values())


async def _person(operation: "Operation", owner: Customer) -> Person | None:
    """With the rows the operation reads anyway, where these hold what is looked for here."""
    selected = operation.fields("Customer")
    if selected is None or selected & {"context", "attributes"}:
        return (await operation.loaders.people([owner.id], owner.freshness))[0]
    needed = frozenset().union(*(ATTRIBUTES[name].fields for name in _OF_PERSON))
    return (await people.fetch(operation, [owner.id], owner.freshness, needed))[0]


def _of_matter(matter: Matter) -> Iterator[Slot]:
    whole = matter.whole
    anchor = whole.interactions[0].record
    if whole.order_number:
        order = matter.subject
        source = anchor if order is None else order
        yield Slot(
            name=ORDER_NUMBER,
            value=whole.order_number,
            provenance=source.provenance,
            evidence=(source.id,),
        )
    case = next((one for one in whole.interactions if one.case_id), None)
    if case is not None:
        record = case.record
        yield Slot(
            name=CASE, value=case.case_id, provenance=record.provenance, evidence=(record.id,)
        )
    if whole.reason:
        yield Slot(
            name=REASON, value=whole.reason, provenance=anchor.provenance, evidence=(anchor.id,)
        )


def _slot(name: str, value: str | None, provenance: Provenance, kind: Kind) -> Slot:
    key = SourceKey(provenance.system.name, kind, provenance.external_id)
    return Slot(name=name, value=value, provenance=provenance, evidence=(key.node_id,))
