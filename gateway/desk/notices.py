"""What was just decided, told on the next page, with the way to take it back.

The address names the event; what it says is read from the history, so that an address that somebody
made up tells nothing that did not happen.
"""

from dataclasses import dataclass
from typing import Final

from starlette.responses import RedirectResponse

from domain.customer import IdentityEvent
from domain.errors import UnknownCustomer
from domain.ids import CustomerId
from domain.vocabulary import IdentityEventKind
from gateway.desk.forms import Form
from gateway.desk.sessions import new_secret
from gateway.desk.visits import Visit, to
from resolvers import review
from resolvers.decisions import IdentityPayload, Version, version_text
from resolvers.places import event_cursor
from resolvers.review import IdentityEventConnection
from resolvers.undoing import can_be_undone

NOTHING: Final = "nothing"

_TOLD: Final = {
    IdentityEventKind.MERGED: "They are one customer now.",
    IdentityEventKind.SPLIT: "They are two customers now, and stay so.",
    IdentityEventKind.CONFIRMED: "Confirmed: one person.",
    IdentityEventKind.REJECTED: "Rejected: two people, and they stay so.",
    IdentityEventKind.LINKED: "The rejection is taken back; the pair is open again.",
    IdentityEventKind.UNLINKED: "The confirmation is taken back; the pair is open again.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`versions` are those of the customers an undo names; without `undo` nothing can be undone."""

    text: str
    event: str = ""
    undo: str = ""
    versions: tuple[str, ...] = ()
    key: str = ""
    customers: tuple[CustomerId, ...] = ()


def decided(payload: IdentityPayload, path: str, link: str = "") -> RedirectResponse:
    """On to another page, with word of what was decided."""
    ids = payload.customer_ids or ()
    return to(path, decided=payload.event or NOTHING, customer=next(iter(ids), ""), link=link)


async def notice(visit: Visit) -> Notice | None:
    """What the address says has just been decided, where it is still the last word."""
    event_id, customer = visit.asked("decided"), visit.asked("customer")
    if event_id == NOTHING:
        return Notice(text="It was so already: nothing had to change.")
    event = await _last(visit, CustomerId(customer)) if event_id and customer else None
    if event is None or event_cursor(event.sequence) != event_id:
        return None
    told, link = _TOLD.get(event.kind, "Done."), visit.asked("link")
    path = "/undo" if can_be_undone(event) else ""
    if link and event.kind in {IdentityEventKind.CONFIRMED, IdentityEventKind.REJECTED}:
        path = path or f"/review/{link}"
    return await _notice(visit, event, told, path)


async def undo_of(visit: Visit, history: IdentityEventConnection) -> Notice | None:
    """What the history begins with, where it can be taken back."""
    newest = next(iter(history.nodes), None)
    if newest is None or not can_be_undone(newest):
        return None
    return await _notice(visit, newest, "", "/undo")


async def _notice(visit: Visit, event: IdentityEvent, text: str, path: str) -> Notice:
    clusters = await visit.operation.services.identity.clusters(event.after)
    standing = [one for one in clusters if one is not None]
    return Notice(
        text=text,
        event=event_cursor(event.sequence),
        undo=path,
        versions=tuple(version_text(Version(one.id, one.version)) for one in standing),
        key=new_secret(),
        customers=event.after,
    )


async def _last(visit: Visit, customer: CustomerId) -> IdentityEvent | None:
    try:
        found = await review.history(visit.operation, customer, 1, None)
    except UnknownCustomer:
        return None
    return next(iter(found.nodes), None)


def seen(form: Form, name: str = "seen") -> tuple[Version, ...]:
    """The customers as the page showed them: `<id> <version>` each. What is not of that form is
    nobody, and is refused as such.
    """
    found = []
    for text in form.all(name):
        id, _, version = text.partition(" ")
        number = int(version) if version.isascii() and version.isdecimal() else -1
        found.append(Version(CustomerId(id), number))
    return tuple(found)
