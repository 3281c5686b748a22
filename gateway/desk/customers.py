"""A customer as a steward sees it: its records, what was decided on them, and what happened."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from domain.customer import Link
from domain.errors import InputError
from domain.ids import CUSTOMER_PREFIX, CustomerId, Kind, SourceKey
from domain.records import Contact
from domain.vocabulary import LinkStatus
from gateway.desk.forms import Form
from gateway.desk.notices import decided, notice, seen, undo_of
from gateway.desk.sessions import new_secret
from gateway.desk.visits import Desk, Visit
from resolvers import decisions, review, undoing
from resolvers.decisions import Merge, Split, Version
from resolvers.dossiers import Dossier, dossiers
from resolvers.refused import UserError
from resolvers.undoing import Undo

FOUND = 20
EVENTS = 20
NOBODY = "Nobody has, or ever had, this id."
TAKEN_BACK = "taken back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A link of the customer with both of its records, as far as they are kept."""

    link: Link
    left: Contact | None
    right: Contact | None


def routes(desk: Desk) -> list[Route]:
    return [
        desk.page("/customers", _search),
        desk.page("/customers/{id}", _shown),
        desk.form("/customers/{id}/split", _split),
        desk.page("/merge", _preview),
        desk.form("/merge", _merge),
        desk.form("/undo", _undo),
    ]


# ---------------------------------------------------------------- finding


async def _search(visit: Visit) -> Response:
    text = visit.asked("find").strip()
    found = await dossiers(visit.operation, await _ids(visit, text)) if text else []
    return visit.page("search.html", text=text, found=[one for one in found if one is not None])


async def _ids(visit: Visit, text: str) -> list[CustomerId]:
    """Of a customer's id, of a record as `system/id`, or of people by the beginnings of words."""
    identity = visit.operation.services.identity
    if text.startswith(f"{CUSTOMER_PREFIX}_"):
        return [CustomerId(text)]
    source, _, external_id = text.partition("/")
    if source in visit.operation.services.sources and external_id:
        owners = await identity.of_records([SourceKey(source, Kind.CONTACT, external_id)])
        return [owner for owner in owners if owner is not None]
    return list(dict.fromkeys(await identity.search(text, FOUND)))


# ---------------------------------------------------------------- one customer


async def _shown(visit: Visit) -> Response:
    return await _customer(visit)


async def _customer(
    visit: Visit, errors: Sequence[UserError] = (), form: Form | None = None
) -> Response:
    (found,) = await dossiers(visit.operation, [visit.request.path_params["id"]])
    if found is None:
        return visit.nothing(NOBODY)
    history = await review.history(
        visit.operation, found.cluster.id, EVENTS, visit.asked("after") or None
    )
    return visit.page(
        "customer.html",
        409 if errors else 200,
        dossier=found,
        links=await _links(visit, found),
        history=history,
        undo=None if visit.asked("after") else await undo_of(visit, history),
        key=new_secret(),
        errors=errors,
        ticked=form.all("record") if form else (),
        reason=form.one("reason") if form else "",
        notice=await notice(visit),
    )


async def _links(visit: Visit, found: Dossier) -> list[Joined]:
    """What people decided and what waits for them; what the machine holds together comes last."""
    order = [LinkStatus.PENDING, LinkStatus.REJECTED, LinkStatus.CONFIRMED, LinkStatus.AUTO]
    some = await visit.operation.loaders.links(found.cluster.id, frozenset(order))
    ordered = sorted(some, key=lambda link: order.index(link.status))
    load = visit.operation.loaders.link_end

    async def joined(link: Link) -> Joined:
        left, right = await asyncio.gather(load(link.left), load(link.right))
        return Joined(link=link, left=left, right=right)

    return list(await asyncio.gather(*map(joined, ordered)))


async def _split(visit: Visit, form: Form) -> Response:
    whole = _only(seen(form))
    wish = Split(
        customer=whole,
        records=form.all("record"),
        reason=form.one("reason"),
        never_relink=bool(form.one("never-relink")),
        idempotency_key=form.one("key"),
    )
    payload = await decisions.split(visit.operation, wish)
    if payload.user_errors:
        return await _customer(visit, payload.user_errors, form)
    return decided(payload, f"/customers/{(payload.customer_ids or (whole.id,))[0]}")


def _only(versions: Sequence[Version]) -> Version:
    if len(versions) != 1:
        raise InputError("the form names no customer")
    return versions[0]


# ---------------------------------------------------------------- two customers


async def _preview(visit: Visit) -> Response:
    return await _two(visit, visit.asked("keep"), visit.asked("absorb").strip())


async def _two(
    visit: Visit,
    keep: str,
    absorb: str,
    errors: Sequence[UserError] = (),
    reason: str = "",
) -> Response:
    kept, absorbed = await dossiers(visit.operation, [CustomerId(keep), CustomerId(absorb)])
    if kept is None or absorbed is None:
        return visit.nothing(NOBODY)
    preview = await review.preview(visit.operation, kept.cluster.id, [absorbed.cluster.id])
    return visit.page(
        "merge.html",
        409 if errors else 200,
        keep=kept,
        absorb=absorbed,
        preview=preview,
        key=new_secret(),
        errors=errors,
        reason=reason,
    )


async def _merge(visit: Visit, form: Form) -> Response:
    keep, absorb = _only(seen(form, "keep")), _only(seen(form, "absorb"))
    wish = Merge(
        keep=keep,
        absorb=(absorb,),
        reason=form.one("reason"),
        idempotency_key=form.one("key"),
    )
    payload = await decisions.merge(visit.operation, wish)
    if payload.user_errors:
        return await _two(visit, keep.id, absorb.id, payload.user_errors, wish.reason)
    return decided(payload, f"/customers/{keep.id}")


# ---------------------------------------------------------------- taking back


async def _undo(visit: Visit, form: Form) -> Response:
    wish = Undo(
        event=form.one("event"),
        customers=seen(form),
        reason=form.one("reason") or TAKEN_BACK,
        idempotency_key=form.one("key"),
    )
    payload = await undoing.undo(visit.operation, wish)
    if payload.user_errors:
        told = "; ".join(error.message for error in payload.user_errors)
        return visit.page("refused.html", 409, title="This cannot be taken back", message=told)
    return decided(payload, f"/customers/{(payload.customer_ids or ('',))[0]}")
