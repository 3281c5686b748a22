"""The seeded people: reproducible, difficult, reserved, and truthfully linked."""

import re
from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal

import pytest

from sandbox import demo
from sandbox.seed import build_world
from sandbox.world import SEEDED_AT, shop_amount


@pytest.fixture(scope="module")
def seeded():
    """The default world; nobody changes it."""
    return build_world()


def everything(world):
    return [asdict(row) for table in world.tables() for row in table.all()]


def people_of(rows):
    return {row.person_id for row in rows if row.person_id}


def test_one_seed_is_one_world_and_another_seed_another():
    assert everything(build_world(40, seed=3)) == everything(build_world(40, seed=3))
    assert everything(build_world(40, seed=3)) != everything(build_world(40, seed=4))


@pytest.mark.parametrize("people", [0, 1, 5, 200])
def test_there_are_as_many_people_as_asked_for(people):
    assert len(build_world(people).people) == people


def test_about_four_of_five_people_are_in_each_system(seeded):
    for table in (
        seeded.crm_contacts,
        seeded.shop_customers,
        seeded.ticket_users,
        seeded.chat_contacts,
    ):
        assert 140 <= len(people_of(table.live())) <= 180
    assert people_of(row for table in seeded.tables() for row in table.live()) == set(seeded.people)


def test_the_truth_names_every_row_of_a_person_once(seeded):
    truth = seeded.truth()
    keys = [(row.system, row.kind, row.id) for row in truth]
    assert len(set(keys)) == len(keys)
    assert {row.person_id for row in truth} == set(seeded.people)
    assert Counter(row.system for row in truth).keys() == {
        "hubspot",
        "shopify",
        "zendesk",
        "intercom",
    }


def test_things_belong_to_the_person_whose_account_they_are_in(seeded):
    for order in seeded.orders.live():
        assert seeded.shop_customers.get(order.customer_id).person_id == order.person_id
    for ticket in seeded.tickets.live():
        assert seeded.ticket_users.get(ticket.requester_id).person_id == ticket.person_id
    for talk in seeded.conversations.live():
        assert seeded.chat_contacts.get(talk.contact_ids[0]).person_id == talk.person_id


def test_addresses_and_numbers_are_reserved_ones(seeded):
    rows = everything(seeded)
    emails = {row.get("email") for row in rows} | {p.email for p in seeded.people.values()}
    reserved = re.compile(r"@(example\.(com|org|net)|[a-z]+\.example)$")
    assert all(reserved.search(email) for email in emails if email)
    phones = {row.get("phone") for row in rows} | {p.phone for p in seeded.people.values()}
    digits = {re.sub(r"\D", "", phone.replace("(0)", "")) for phone in phones if phone}
    fiction = re.compile(r"(7700900\d{3}|2079460\d{3}|\d{3}55501\d{2})$")
    assert all(fiction.search(number) for number in digits)
    assert len(digits) > 100


def test_no_stamp_is_out_of_order_or_after_the_seeded_day(seeded):
    for table in seeded.tables():
        for row in table.all():
            assert row.created_at <= row.updated_at <= SEEDED_AT
    for ticket in seeded.tickets.live():
        stamps = [comment.created_at for comment in ticket.comments]
        assert stamps == sorted(stamps)
        assert stamps[-1] == ticket.updated_at
    for talk in seeded.conversations.live():
        assert talk.parts[-1].created_at == talk.updated_at


def test_the_demo_person_has_four_keys_joined_by_telephone_and_name(seeded):
    person = "person-0001"
    rows = [
        next(row for row in table.live() if row.person_id == person)
        for table in (
            seeded.crm_contacts,
            seeded.shop_customers,
            seeded.ticket_users,
            seeded.chat_contacts,
        )
    ]
    assert [row.email for row in rows] == [
        demo.CRM_EMAIL,
        demo.SHOP_EMAIL,
        demo.TICKET_EMAIL,
        demo.CHAT_EMAIL,
    ]
    digits = {re.sub(r"\D", "", row.phone)[-9:] for row in rows}
    assert digits == {demo.PHONE[-9:]}


def test_the_demo_persons_things_speak_of_one_order(seeded):
    def mine(table):
        return [row for row in table.live() if row.person_id == "person-0001"]

    orders, tickets, talks = (
        mine(seeded.orders),
        mine(seeded.tickets),
        mine(seeded.conversations),
    )
    assert [order.source_name for order in orders] == ["web", "pos", "web"]
    leak = next(ticket for ticket in tickets if ticket.status == "open")
    assert orders[0].name in leak.subject
    assert [comment.public for comment in leak.comments] == [True, True, True, False]
    assert {ticket.channel for ticket in tickets} == {"email", "voice"}
    assert any(orders[0].name in talk.source_body for talk in talks if talk.state == "open")


def test_the_demo_persons_namesake_shares_her_name_and_nothing_else(seeded):
    one, other = (seeded.people[f"person-000{n}"] for n in (1, 2))
    assert (one.given_name, one.family_name) == (other.given_name, other.family_name)
    for name in ("email", "phone", "birth_date", "street", "city"):
        assert getattr(one, name) != getattr(other, name)


def test_the_difficult_households_are_there(seeded):
    homes = Counter(person.household for person in seeded.people.values())
    assert homes["family-of-four"] == 4
    family = [p for p in seeded.people.values() if p.household == "family-of-four"]
    assert len({(p.phone, p.email, p.street) for p in family}) == 1
    twins = [p for p in seeded.people.values() if p.household == "twins"]
    assert len({(p.birth_date, p.family_name, p.street) for p in twins}) == 1
    men = [p for p in seeded.people.values() if p.household == "father-and-son"]
    assert len({(p.given_name, p.family_name, p.street) for p in men}) == 1
    assert len({p.birth_date for p in men}) == 2
    couple = [p for p in seeded.people.values() if p.household == "couple"]
    assert len({p.phone for p in couple}) == 1


def test_rows_carry_the_difficulties_of_real_data(seeded):
    """Each kind of trouble is met at least twice among 200 people."""
    people = seeded.people
    chats = [row for row in seeded.chat_contacts.live() if row.person_id]
    crm = [row for row in seeded.crm_contacts.live() if row.person_id]
    troubles = {
        "another e-mail in chat": [
            r for r in chats if r.email and r.email != people[r.person_id].email
        ],
        "a nickname": [r for r in chats if people[r.person_id].given_name not in (r.name or "")],
        "a given name alone": [r for r in chats if " " not in (r.name or "")],
        "no e-mail": [r for r in crm if r.email is None],
        "no telephone": [r for r in crm if r.phone is None],
        "a swapped name": [r for r in crm if r.firstname == people[r.person_id].family_name],
        "a typo": [
            r
            for r in crm
            if r.lastname not in (people[r.person_id].family_name, people[r.person_id].given_name)
        ],
        "a plus-address": [r for r in seeded.shop_customers.live() if "+shop@" in (r.email or "")],
        "a national number": [r for r in crm if (r.phone or "").startswith(("0", "("))],
        "an international number": [r for r in crm if (r.phone or "").startswith(("+", "00"))],
        "an account number": [r for r in crm if r.account_number],
    }
    assert {name: len(rows) for name, rows in troubles.items() if len(rows) < 2} == {}


def test_orders_are_of_every_fate_currency_and_place(seeded):
    orders = list(seeded.orders.live())
    assert {order.source_name for order in orders} == {"web", "pos"}
    assert {order.currency for order in orders} == {"GBP", "USD", "EUR", "JPY"}
    assert all(
        order.total == order.total.to_integral() for order in orders if order.currency == "JPY"
    )
    assert {order.financial_status for order in orders} >= {
        "PAID",
        "PENDING",
        "REFUNDED",
        "PARTIALLY_REFUNDED",
    }
    assert {order.fulfillment_status for order in orders} >= {
        "FULFILLED",
        "UNFULFILLED",
        "PARTIALLY_FULFILLED",
        "ON_HOLD",
    }
    for order in orders:
        assert order.total == sum(line.unit_price * line.quantity for line in order.lines)
        assert order.refunded <= order.total


def test_tickets_and_talks_run_on_every_channel(seeded):
    tickets = list(seeded.tickets.live())
    assert {ticket.channel for ticket in tickets} == {"email", "web", "chat", "voice"}
    assert {ticket.status for ticket in tickets} == {
        "new",
        "open",
        "pending",
        "hold",
        "solved",
        "closed",
    }
    comments = [comment for ticket in tickets for comment in ticket.comments]
    assert {comment.public for comment in comments} == {True, False}
    assert {comment.kind for comment in comments} == {"Comment", "VoiceComment"}
    talks = list(seeded.conversations.live())
    assert {talk.state for talk in talks} == {"open", "snoozed", "closed"}
    assert {talk.source_type for talk in talks} == {"conversation", "email", "whatsapp"}


@pytest.mark.parametrize(
    ("amount", "written"),
    [("19.99", "19.99"), ("20.00", "20.0"), ("1200", "1200.0"), ("0", "0.0"), ("0.50", "0.5")],
)
def test_an_amount_is_written_as_the_shop_does(amount, written):
    assert shop_amount(Decimal(amount)) == written


def test_a_change_moves_the_stamp_and_a_removal_leaves_a_trace(world, clock):
    row = next(world.crm_contacts.live())
    now = clock.advance(timedelta(minutes=5))
    assert world.crm_contacts.change(row.id, city="Ely").updated_at == now
    now = clock.advance(timedelta(minutes=5))
    removed = world.crm_contacts.remove(row.id)
    assert removed.deleted_at == removed.updated_at == now
    assert row.id not in {other.id for other in world.crm_contacts.live()}
    assert world.crm_contacts.get(row.id) == removed


def test_a_stamp_never_goes_back_with_the_clock(world, clock):
    row = next(world.crm_contacts.live())
    clock.advance(timedelta(minutes=5))
    after = world.crm_contacts.change(row.id, city="Ely").updated_at
    clock.advance(timedelta(minutes=-10))
    assert world.crm_contacts.change(row.id, city="York").updated_at == after


def test_ids_are_never_used_twice(world):
    first = world.tickets.next_id()
    assert world.tickets.get(first) is None
    assert world.tickets.next_id() != first


def test_a_row_cannot_be_added_twice(world):
    row = next(world.tickets.live())
    with pytest.raises(ValueError, match="exists already"):
        world.tickets.add(row)
