"""Fifty people with all their things: how often each system is asked, counted at the systems."""

import json
import math
from collections import Counter
from urllib.parse import parse_qs

import pytest

PEOPLE = 50

THINGS = """
  id completeness displayName primaryEmail
  orders { nodes { id number lines { sku } shipments { carrier } } completeness }
  tickets { nodes { id subject messages { nodes { body } } } completeness }
  conversations { nodes { id messages { nodes { body } } } completeness }
"""
CUSTOMERS = """
query Customers($by: [CustomerKey!]!, $freshness: Freshness) {
  customers(by: $by, freshness: $freshness) { %s }
}"""
ENTITIES = "query Entities($some: [_Any!]!) { _entities(representations: $some) { %s } }"

SIZES = {
    # CRM contacts guide: batch operations are limited to 100 records.
    ("crm", "contact"): 100,
    # 1,000 points a query at 4 a customer and at most 250 ids: 200 keep below both.
    ("shop", "contact"): 200,
    # No limit is documented for the terms of a query; 50 keep it below 1,500 characters.
    ("shop", "order"): 50,
    # Show Many Users: up to 100 ids.
    ("desk", "contact"): 100,
    # No limit is documented for the terms of a search; 50 keep the address below 2,000 characters.
    ("desk", "ticket"): 50,
    # Ten groups of 15 filters, and at most 150 results a page.
    ("chat", "contact"): 150,
    # Search: at most 15 filters in a group.
    ("chat", "conversation"): 15,
}
"""How many keys one call may carry."""


def by_path(call):
    """What kind of thing a call reads, and whether it asks for a further page."""
    path, query = call["path"], parse_qs(call["query"])
    if path.endswith("/comments") or path.startswith("/conversations/2"):
        return "message", "page[after]" in query
    if path in {"/crm/v3/objects/contacts/batch/read", "/contacts/search"}:
        return "contact", False
    if path == "/api/v2/users/show_many":
        return "contact", False
    if path == "/api/v2/search":
        return "ticket", query["page"] != ["1"]
    body = json.loads(call["body"])
    if path == "/conversations/search":
        return "conversation", "starting_after" in body["pagination"]
    kind = "order" if body["query"].startswith("query Orders") else "contact"
    return kind, body["variables"].get("after") is not None


@pytest.fixture
def counted(platforms):
    """First calls and further pages by (source, kind), since the platforms were forgotten."""

    def count():
        first, further = Counter(), Counter()
        for source in platforms.urls:
            for call in platforms.calls(source):
                kind, is_further = by_path(call)
                (further if is_further else first)[source, kind] += 1
        return first, further

    return count


@pytest.fixture
async def fifty(graph, platforms, world):
    """Ids of fifty customers with a row in every system, and how many rows they have in each."""
    crm = [row for row in world.crm_contacts.live() if row.person_id != "person-0001"]
    keys = [{"external": {"system": "crm", "externalId": row.id}} for row in crm[:100]]
    query = (
        "query Q($by: [CustomerKey!]!) { customers(by: $by) { id records { provenance { %s } } } }"
    )
    found = (await graph.data(query % "system { name }", by=keys))["customers"]
    records = {
        one["id"]: [record["provenance"]["system"]["name"] for record in one["records"]]
        for one in found
    }
    chosen = sorted(records, key=lambda one: (-len(set(records[one])), one))[:PEOPLE]
    assert len(chosen) == PEOPLE
    platforms.forget()
    return chosen, Counter(name for one in chosen for name in records[one])


def assert_batched(first, further, keys, threads):
    allowed = {
        (source, kind): math.ceil(keys[source] / size) for (source, kind), size in SIZES.items()
    }
    fan_out = {("desk", "message"), ("chat", "message")}
    assert set(first) == set(allowed) | fan_out
    for what, most in allowed.items():
        assert first[what] <= most, what
    assert {what: first[what] for what in fan_out} == threads
    assert not further


def threads_of(customers):
    lists = {"desk": "tickets", "chat": "conversations"}
    return {
        (source, "message"): sum(len(one[name]["nodes"]) for one in customers)
        for source, name in lists.items()
    }


async def test_fifty_customers_cost_a_call_a_batch(graph, fifty, counted):
    chosen, keys = fifty
    by = [{"id": one} for one in chosen]
    fresh = {"maxAgeMs": 0}
    customers = (await graph.data(CUSTOMERS % THINGS, by=by, freshness=fresh))["customers"]
    assert [one["id"] for one in customers] == chosen
    assert {one["completeness"] for one in customers} == {"COMPLETE"}
    assert_batched(*counted(), keys, threads_of(customers))


async def test_people_who_are_synced_are_not_read_again_while_they_are_young(graph, fifty, counted):
    chosen, keys = fifty
    by = [{"id": one} for one in chosen]
    fresh = {"maxAgeMs": 3_600_000}
    await graph.data(CUSTOMERS % "id orders { nodes { id } }", by=by, freshness=fresh)
    first, further = counted()
    assert first == {("shop", "order"): math.ceil(keys["shop"] / SIZES["shop", "order"])}
    assert not further


async def test_fifty_keys_of_one_person_cost_what_one_costs(graph, fifty, counted):
    chosen, _ = fifty
    fresh = {"maxAgeMs": 0}
    query = CUSTOMERS % "id orders { nodes { id } }"
    await graph.data(query, by=[{"id": chosen[0]}] * PEOPLE, freshness=fresh)
    assert set(counted()[0].values()) == {1}


async def test_fifty_entities_of_a_supergraph_cost_a_call_a_batch(graph, fifty, counted):
    chosen, keys = fifty
    some = [{"__typename": "Customer", "id": one} for one in chosen]
    found = await graph.data(ENTITIES % f"... on Customer {{ {THINGS} }}", some=some)
    customers = found["_entities"]
    assert [one["id"] for one in customers] == chosen
    first, further = counted()
    # Contacts may be young enough to come from the store; then they are not asked for at all.
    read = {what: 1 for what in SIZES if what[1] == "contact"}
    assert_batched(read | first, further, keys, threads_of(customers))


async def test_entities_of_every_kind_come_in_batches(graph, fifty, platforms, counted):
    chosen, _ = fifty
    query = (
        CUSTOMERS
        % "orders { nodes { id } } tickets { nodes { id } } conversations { nodes { id } }"
    )
    found = (await graph.data(query, by=[{"id": one} for one in chosen]))["customers"]
    lists = {"Order": "orders", "Ticket": "tickets", "Conversation": "conversations"}
    some = [
        {"__typename": name, "id": node["id"]}
        for name, field in lists.items()
        for node in [node for one in found for node in one[field]["nodes"]][:45]
    ]
    platforms.forget()
    selected = " ".join(f"... on {name} {{ id provenance {{ externalId }} }}" for name in lists)
    entities = (await graph.data(ENTITIES % f"__typename {selected}", some=some))["_entities"]
    assert [(one["__typename"], one["id"]) for one in entities] == [
        (one["__typename"], one["id"]) for one in some
    ]
    assert sum(len(platforms.calls(source)) for source in platforms.urls) == len(lists)
