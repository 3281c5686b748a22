"""The one person everybody can look up: Margaret Ellison, known in four systems by four keys.

| system   | name             | e-mail                        | telephone          |
|----------|------------------|-------------------------------|--------------------|
| HubSpot  | Margaret Ellison | margaret.ellison@example.com  | +44 7700 900123    |
| Shopify  | Margaret Ellison | m.ellison+shop@example.net    | +447700900123      |
| Zendesk  | Maggie Ellison   | maggie@ellison.example        | 07700 900 123      |
| Intercom | Maggie Ellison   | maggie.ellison@example.org    | 0044 7700 900123   |

Only her name and her telephone join them. She bought an espresso machine on the web and a grinder
at a till; the machine leaks, which is a ticket (with an internal note), an earlier call and an open
conversation. A second Margaret Ellison lives elsewhere with keys of her own and must stay herself.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from sandbox.dialogues import Dialogue, Turn, Voice
from sandbox.orders import TILL_FATE, Fate, add_order
from sandbox.people import Registrar
from sandbox.rows import ChatContact, CrmContact, Person, ShopCustomer, TicketUser
from sandbox.threads import Occasion, add_conversation, add_ticket
from sandbox.world import World

CRM_EMAIL = "margaret.ellison@example.com"
SHOP_EMAIL = "m.ellison+shop@example.net"
TICKET_EMAIL = "maggie@ellison.example"
CHAT_EMAIL = "maggie.ellison@example.org"
PHONE = "+447700900123"

_DELIVERED = Fate(weight=0, financial="PAID", fulfillment="FULFILLED", parcel="DELIVERED")
_REPLACEMENT = Fate(weight=0, financial="PAID", fulfillment="FULFILLED", parcel="IN_TRANSIT")

_LEAK = Dialogue(
    subject="Espresso machine from {order} leaks at the pump",
    kind="problem",
    priority="high",
    tags=("warranty", "espresso"),
    turns=(
        Turn(Voice.CUSTOMER, "The Barista 200 from {order} leaks under the pump. Can you help?"),
        Turn(Voice.STAFF, "I am sorry, {name}. Does it leak with the tank empty as well?"),
        Turn(Voice.CUSTOMER, "Yes, about a cup in an hour. I have changed the seal already."),
        Turn(Voice.NOTE, "Pump batch 23 again: offer a replacement, do not ask for the seal."),
    ),
)
_CALL = Dialogue(
    subject="Call: how to descale the machine from {order}",
    kind="question",
    priority="low",
    tags=("descaling",),
    turns=(
        Turn(Voice.CUSTOMER, "Asked how often the machine from {order} needs descaling."),
        Turn(Voice.STAFF, "Explained the light: every two months with London water."),
    ),
)
_CHAT = Dialogue(
    subject="Replacement for {order}",
    priority="high",
    tags=("warranty",),
    turns=(
        Turn(Voice.CUSTOMER, "Hi! I was promised a replacement for the leaking machine, {order}."),
        Turn(Voice.STAFF, "Hello {name}, let me look that up. Which telephone did you leave?"),
        Turn(Voice.CUSTOMER, "You should have all of that from my e-mail..."),
    ),
)
_SIZES = Dialogue(
    subject="Which filters fit?",
    about_order=False,
    turns=(
        Turn(Voice.CUSTOMER, "Which paper filters fit the gooseneck set?"),
        Turn(Voice.STAFF, "Size 02, {name}: the box of 100 in the shop."),
    ),
)


def demo_person(registrar: Registrar) -> Person:
    return registrar.person(
        given_name="Margaret",
        family_name="Ellison",
        email=CRM_EMAIL,
        phone=PHONE,
        street="14 Canal Walk",
        city="Bristol",
        region="England",
        postcode="BS6 5QT",
        country="GB",
        birth_date=date(1971, 5, 8),
    )


def demo_namesake(registrar: Registrar) -> Person:
    return registrar.person(
        given_name="Margaret",
        family_name="Ellison",
        email="ellison.margaret@example.org",
        street="3 Chapel Lane",
        city="Norwich",
        region="England",
        postcode="NR1 3AB",
        country="GB",
        birth_date=date(1990, 11, 23),
    )


def add_demo_rows(world: World, person: Person, rng: Random) -> None:
    """Her four records and everything that hangs on them."""
    _add_crm(world, person)
    machine = _add_purchases(world, _add_shopper(world, person))
    _add_tickets(world, person, machine, rng)
    _add_chats(world, person, machine, rng)


def _add_crm(world: World, person: Person) -> CrmContact:
    at = world.seeded_at - timedelta(days=640)
    return world.crm_contacts.add(
        CrmContact(
            id=world.crm_contacts.next_id(),
            person_id=person.id,
            email=CRM_EMAIL,
            firstname="Margaret",
            lastname="Ellison",
            phone="+44 7700 900123",
            address=person.street,
            city=person.city,
            state=person.region,
            zip=person.postcode,
            country="United Kingdom",
            date_of_birth=person.birth_date.isoformat(),
            lifecyclestage="customer",
            created_at=at,
            updated_at=at + timedelta(days=200),
        )
    )


def _add_shopper(world: World, person: Person) -> ShopCustomer:
    at = world.seeded_at - timedelta(days=410)
    return world.shop_customers.add(
        ShopCustomer(
            id=world.shop_customers.next_id(),
            person_id=person.id,
            first_name="Margaret",
            last_name="Ellison",
            email=SHOP_EMAIL,
            phone=PHONE,
            address1=person.street,
            city=person.city,
            province=person.region,
            zip=person.postcode,
            country_code="GB",
            created_at=at,
            updated_at=at + timedelta(days=390),
        )
    )


def _add_purchases(world: World, shopper: ShopCustomer) -> str:
    """Machine on the web, grinder at a till, machine again as a replacement; the first's name."""
    now = world.seeded_at
    machine = add_order(
        world,
        shopper,
        _DELIVERED,
        placed=now - timedelta(days=62, hours=3),
        now=now,
        goods=[("ESP-200", 1), ("DSC-002", 1)],
    )
    add_order(
        world,
        shopper,
        TILL_FATE,
        placed=now - timedelta(days=31, hours=5),
        now=now,
        goods=[("GRD-110", 1)],
        till="Bristol Harbourside",
    )
    add_order(
        world,
        shopper,
        _REPLACEMENT,
        placed=now - timedelta(days=2, hours=1),
        now=now,
        goods=[("ESP-200", 1)],
        carrier="DPD",
    )
    return machine.name


def _add_tickets(world: World, person: Person, order_name: str, rng: Random) -> None:
    now = world.seeded_at
    user = world.ticket_users.add(
        TicketUser(
            id=world.ticket_users.next_id(),
            person_id=person.id,
            name="Maggie Ellison",
            email=TICKET_EMAIL,
            phone="07700 900 123",
            created_at=now - timedelta(days=45),
            updated_at=now - timedelta(days=6),
        )
    )
    call = Occasion(
        opened=now - timedelta(days=45), status="closed", channel="voice", order_name=order_name
    )
    leak = Occasion(
        opened=now - timedelta(days=6), status="open", channel="email", order_name=order_name
    )
    add_ticket(world, user, _CALL, call, rng)
    add_ticket(world, user, _LEAK, leak, rng)


def _add_chats(world: World, person: Person, order_name: str, rng: Random) -> None:
    now = world.seeded_at
    contact = world.chat_contacts.add(
        ChatContact(
            id=world.chat_contacts.next_id(),
            person_id=person.id,
            email=CHAT_EMAIL,
            phone="0044 7700 900123",
            name="Maggie Ellison",
            city="Bristol",
            region="England",
            country="United Kingdom",
            signed_up_at=now - timedelta(days=120),
            last_seen_at=now - timedelta(hours=2),
            created_at=now - timedelta(days=120),
            updated_at=now - timedelta(hours=2),
        )
    )
    before = Occasion(opened=now - timedelta(days=118), status="closed", channel="conversation")
    today = Occasion(
        opened=now - timedelta(days=1), status="open", channel="conversation", order_name=order_name
    )
    add_conversation(world, contact, _SIZES, before, rng)
    add_conversation(world, contact, _CHAT, today, rng)
