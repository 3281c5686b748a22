"""One seed, one world: people, what four systems wrote down of them, and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from sandbox.demo import add_demo_rows, demo_namesake, demo_person
from sandbox.dialogues import drawn
from sandbox.orders import drawn_order
from sandbox.people import Registrar, difficult_people
from sandbox.rows import (
    ChatAdmin,
    ChatContact,
    CrmContact,
    Order,
    Person,
    ShopCustomer,
    TicketUser,
)
from sandbox.spellings import CHAT, CRM, SHOP, TICKETING, Written, written
from sandbox.threads import (
    CHAT_CHANNELS,
    CHAT_STATES,
    TICKET_CHANNELS,
    TICKET_STATUSES,
    Occasion,
    add_conversation,
    add_ticket,
)
from sandbox.world import SEEDED_AT, Clock, World, utc_now

_SHARE_IN_A_SYSTEM = 0.8
_STAFF = ("Ada Lovegrove", "Bela Novak", "Chidi Obi", "Dana Rivers")
_COUNTRIES = {"GB": "United Kingdom", "US": "United States", "DE": "Germany", "JP": "Japan"}


def build_world(
    people: int = 200,
    seed: int = 7,
    now: datetime = SEEDED_AT,
    *,
    clock: Clock = utc_now,
) -> World:
    """A world of this many people. Same arguments, same rows; `now` is when its history ends.

    person-0001 is the demo person of `sandbox/demo.py`, person-0002 her namesake; then come the
    difficult households, then everybody else. `clock` stamps changes made afterwards.
    """
    rng = Random(seed)
    world = World(clock=clock, seeded_at=now)
    _add_staff(world)
    for person in _population(people, rng):
        world.people[person.id] = person
        if len(world.people) == 1:
            add_demo_rows(world, person, rng)
        else:
            _add_rows(world, person, rng)
    return world


def _population(people: int, rng: Random) -> list[Person]:
    registrar = Registrar(rng)
    known = [demo_person(registrar), demo_namesake(registrar), *difficult_people(registrar)]
    others = (registrar.person() for _ in range(max(0, people - len(known))))
    return [*known, *others][:people]


def _add_staff(world: World) -> None:
    at = world.seeded_at - timedelta(days=900)
    for number, name in enumerate(_STAFF, start=1):
        email = f"{name.split()[0].lower()}@support.example"
        agent = TicketUser(
            id=world.ticket_users.next_id(),
            name=name,
            email=email,
            role="admin" if number == 1 else "agent",
            created_at=at,
            updated_at=at,
        )
        world.agent_ids.append(world.ticket_users.add(agent).id)
        admin = ChatAdmin(id=str(814_860 + number), name=name, email=email)
        world.chat_admins[admin.id] = admin


def _add_rows(world: World, person: Person, rng: Random) -> None:
    """Rows in about four of five systems, at least one, and what hangs on them."""
    crm, shop, tickets, chat = (rng.random() < _SHARE_IN_A_SYSTEM for _ in range(4))
    if crm:
        _add_crm_contact(world, person, rng)
    orders = _add_shopper(world, person, rng) if shop or not (crm or tickets or chat) else []
    if tickets:
        _add_ticket_user(world, person, orders, rng)
    if chat:
        _add_chat_contact(world, person, orders, rng)


def _add_crm_contact(world: World, person: Person, rng: Random) -> None:
    row = written(person, CRM, rng)
    created, updated = _stamps(world, rng)
    world.crm_contacts.add(
        CrmContact(
            id=world.crm_contacts.next_id(),
            person_id=person.id,
            email=row.email,
            additional_emails=_further(person, row, rng),
            firstname=row.given,
            lastname=row.family,
            phone=row.phone,
            address=person.street if rng.random() < 0.7 else None,
            city=person.city,
            state=person.region if rng.random() < 0.6 else None,
            zip=person.postcode if rng.random() < 0.7 else None,
            country=_COUNTRIES[person.country],
            company=person.company,
            date_of_birth=person.birth_date.isoformat() if rng.random() < 0.4 else None,
            account_number=row.account_number,
            lifecyclestage=rng.choice(("lead", "customer", "customer")),
            created_at=created,
            updated_at=updated,
        )
    )


def _add_shopper(world: World, person: Person, rng: Random) -> list[Order]:
    """A shop customer with nought to five orders."""
    row = written(person, SHOP, rng)
    created, updated = _stamps(world, rng)
    shopper = world.shop_customers.add(
        ShopCustomer(
            id=world.shop_customers.next_id(),
            person_id=person.id,
            first_name=row.given,
            last_name=row.family,
            email=row.email,
            # Shopify keeps telephone numbers in E.164 and refuses others.
            phone=person.phone if row.phone else None,
            address1=person.street,
            city=person.city,
            province=person.region,
            zip=person.postcode,
            country_code=person.country,
            company=person.company,
            created_at=created,
            updated_at=updated,
        )
    )
    bought = range(rng.choice((0, 1, 1, 2, 2, 3, 5)))
    return [drawn_order(world, shopper, world.seeded_at, rng) for _ in bought]


def _add_ticket_user(world: World, person: Person, orders: Sequence[Order], rng: Random) -> None:
    row = written(person, TICKETING, rng)
    created, updated = _stamps(world, rng)
    user = world.ticket_users.add(
        TicketUser(
            id=world.ticket_users.next_id(),
            person_id=person.id,
            name=row.full_name,
            email=row.email,
            phone=row.phone,
            other_emails=_further(person, row, rng),
            external_id=row.account_number,
            created_at=created,
            updated_at=updated,
        )
    )
    for _ in range(rng.choice((0, 1, 1, 1, 2, 4))):
        occasion = _occasion(world, TICKET_STATUSES, TICKET_CHANNELS, orders, rng)
        add_ticket(world, user, drawn(rng, with_order=bool(orders)), occasion, rng)


def _add_chat_contact(world: World, person: Person, orders: Sequence[Order], rng: Random) -> None:
    row = written(person, CHAT, rng)
    created, updated = _stamps(world, rng)
    contact = world.chat_contacts.add(
        ChatContact(
            id=world.chat_contacts.next_id(),
            person_id=person.id,
            role="user" if row.account_number or rng.random() < 0.7 else "lead",
            external_id=row.account_number,
            email=row.email,
            phone=row.phone,
            name=row.full_name,
            city=person.city,
            region=person.region,
            country=_COUNTRIES[person.country],
            signed_up_at=created,
            last_seen_at=updated,
            created_at=created,
            updated_at=updated,
        )
    )
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        occasion = _occasion(world, CHAT_STATES, CHAT_CHANNELS, orders, rng)
        add_conversation(world, contact, drawn(rng, with_order=bool(orders)), occasion, rng)


def _further(person: Person, row: Written, rng: Random) -> tuple[str, ...]:
    """The real address beside another one, where somebody noticed; now and then a second one."""
    if row.email and row.email.lower() != person.email and rng.random() < 0.4:
        return (person.email,)
    name, _, _ = person.email.partition("@")
    return (f"{name}@post.example",) if rng.random() < 0.04 else ()


def _occasion(
    world: World,
    statuses: Sequence[str],
    channels: Sequence[str],
    orders: Sequence[Order],
    rng: Random,
) -> Occasion:
    """Something about an order, begun within two weeks of it; else lately if it still goes on."""
    status = rng.choice(statuses)
    order = rng.choice(orders) if orders else None
    latest = world.seeded_at - timedelta(hours=1)
    if order is not None:
        first = min(order.created_at + timedelta(hours=6), latest - timedelta(hours=1))
        last = min(first + timedelta(days=14), latest)
    else:
        oldest = 700 if status in ("solved", "closed") else 20
        first, last = latest - timedelta(days=oldest), latest
    return Occasion(
        opened=first + timedelta(seconds=rng.randint(0, int((last - first).total_seconds()))),
        status=status,
        channel=rng.choice(channels),
        order_name=order.name if order else "",
    )


def _stamps(world: World, rng: Random) -> tuple[datetime, datetime]:
    """When a row was made and last changed: whole seconds, made first."""
    made = rng.randint(86_400 * 30, 86_400 * 1_000)
    changed = rng.randint(3_600, made)
    now = world.seeded_at
    return now - timedelta(seconds=made), now - timedelta(seconds=changed)
