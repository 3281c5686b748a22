"""Whom the records of the seeded world are held to be, against the truth it was made from."""

import itertools
from collections import defaultdict

import httpx
import pytest

THINGS = """
query Things($by: CustomerKey!) {
  customer(by: $by) {
    id
    orders { nodes { provenance { system { name } externalId } } }
    tickets { nodes { provenance { system { name } externalId } } }
    conversations { nodes { provenance { system { name } externalId } } }
  }
}"""

MEMBERS = """
query Members($by: [CustomerKey!]!) {
  customers(by: $by) { id records { provenance { system { name } externalId } } }
}"""

NAMES = {"hubspot": "crm", "shopify": "shop", "zendesk": "desk", "intercom": "chat"}
MOST_KEYS = 100


def external(key):
    system, external_id = key
    return {"external": {"system": system, "externalId": external_id}}


def keys_of(things):
    where = [one["provenance"] for one in things]
    return {(one["system"]["name"], one["externalId"]) for one in where}


def pairs(some):
    return itertools.combinations(sorted(some), 2)


@pytest.fixture(scope="module")
def people(world):
    """The (source, id) of every person's rows."""
    keys = defaultdict(set)
    for row in world.truth():
        if row.kind == "contact":
            keys[row.person_id].add((NAMES[row.system], row.id))
    return keys


@pytest.fixture(scope="module")
def customers(server, people):
    """The (source, id) of every customer's records."""
    keys = sorted(set().union(*people.values()))
    members = {}
    for start in range(0, len(keys), MOST_KEYS):
        some = keys[start : start + MOST_KEYS]
        for key, one in zip(some, _asked(server, some), strict=True):
            members[one["id"]] = keys_of(one["records"])
            assert key in members[one["id"]]
    return members


def _asked(server, keys):
    body = {"query": MEMBERS, "variables": {"by": [external(key) for key in keys]}}
    headers = {"authorization": "Bearer token-of-full"}
    answer = httpx.post(f"{server}/graphql", json=body, headers=headers, timeout=30).json()
    assert "errors" not in answer, answer["errors"]
    return answer["data"]["customers"]


@pytest.fixture
def two_mailboxes(customers, world):
    """Customers with an e-mail in the CRM and another one in the chat."""
    emails = {("crm", row.id): row.email for row in world.crm_contacts.live()}
    emails |= {("chat", row.id): row.email for row in world.chat_contacts.live()}
    found = {}
    for customer, members in customers.items():
        own = {name: {emails[k] for k in members if k[0] == name} for name in ("crm", "chat")}
        if all(own.values()) and None not in own["crm"] | own["chat"] and own["crm"] != own["chat"]:
            found[customer] = members
    return found


async def test_nobody_shares_a_customer_with_a_stranger(customers, people):
    """Precision over pairs of records: 1.0."""
    owner = {key: person for person, keys in people.items() for key in keys}
    strangers = [
        (one, other)
        for members in customers.values()
        for one, other in pairs(members)
        if owner[one] != owner[other]
    ]
    assert strangers == []


async def test_at_least_four_in_five_pairs_of_one_person_are_found(customers, people):
    """Recall over pairs of records."""
    joined = sum(len(list(pairs(keys))) for keys in customers.values())
    assert joined >= 0.8 * sum(len(list(pairs(keys))) for keys in people.values())


async def test_different_emails_in_crm_and_chat_lead_to_the_things_of_both(
    graph, world, two_mailboxes
):
    assert len(two_mailboxes) >= 10
    for customer, members in sorted(two_mailboxes.items()):
        own = {name: {i for n, i in members if n == name} for name in NAMES.values()}
        things = {
            "orders": {("shop", o.id) for o in world.orders.live() if o.customer_id in own["shop"]},
            "tickets": {
                ("desk", t.id) for t in world.tickets.live() if t.requester_id in own["desk"]
            },
            "conversations": {
                ("chat", c.id)
                for c in world.conversations.live()
                if own["chat"].intersection(c.contact_ids)
            },
        }
        for name in ("crm", "chat"):
            key = ("crm", min(own["crm"])) if name == "crm" else ("chat", min(own["chat"]))
            found = (await graph.data(THINGS, by=external(key)))["customer"]
            assert found["id"] == customer
            assert {kind: keys_of(found[kind]["nodes"]) for kind in things} == things


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("person-0001", "person-0002", id="namesakes in two cities"),
        pytest.param("person-0009", "person-0010", id="father and son at one address"),
        pytest.param("person-0011", "person-0012", id="namesakes in one city"),
    ],
)
async def test_two_people_of_one_name_stay_two(customers, people, world, first, second):
    one, other = world.people[first], world.people[second]
    assert (one.given_name, one.family_name) == (other.given_name, other.family_name)
    ids = [{c for c, members in customers.items() if members & people[p]} for p in (first, second)]
    assert all(ids)
    assert not set.intersection(*ids)
