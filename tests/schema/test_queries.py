import asyncio

import pytest

from domain.customer import KeyKind, LookupKey
from domain.errors import SourceTimeout, SourceUnavailable
from domain.ids import Kind, encode_node_id
from domain.money import Money
from domain.records import OrderLine, Shipment
from domain.vocabulary import OrderStatus, Verification
from resolvers.caller import ANY_CUSTOMER, Caller
from resolvers.services import Capability

BY_EMAIL = 'customer(by: {email: "alice@example.com"})'
DOWN = SourceUnavailable("shop", "503")


async def test_one_question_gives_one_person_with_things_of_four_systems(run, world):
    world.alice()
    answer = await run(
        "query($by: CustomerKey!) { customer(by: $by) { id version aliases displayName"
        " primaryEmail primaryPhone completeness"
        " orders { nodes { number occurredAt provenance { system { name } servedFrom } } }"
        " tickets { nodes { subject messages { nodes { body author { name kind } } } } }"
        " conversations { nodes { state messages { nodes { body internal deleted } } } } } }",
        by={"email": "ali@other.example"},
    )
    assert answer.errors is None
    assert answer.data["customer"] == {
        "id": "cus_alice",
        "version": 1,
        "aliases": [],
        "displayName": "Alice Example",
        "primaryEmail": "alice@example.com",
        "primaryPhone": "+44 7911 123456",
        "completeness": "COMPLETE",
        "orders": {
            "nodes": [
                {
                    "number": f"#{number}",
                    "occurredAt": f"{day}T09:00:00Z",
                    "provenance": {"system": {"name": "shop"}, "servedFrom": "LIVE"},
                }
                for number, day in (("1002", "2026-03-01"), ("1001", "2026-02-27"))
            ]
        },
        "tickets": {
            "nodes": [
                {
                    "subject": "Where is it?",
                    "messages": {
                        "nodes": [
                            {
                                "body": "text of m1",
                                "author": {"name": "Ada Byron", "kind": "HUMAN"},
                            }
                        ]
                    },
                }
            ]
        },
        "conversations": {
            "nodes": [
                {
                    "state": "UNKNOWN",
                    "messages": {
                        "nodes": [{"body": "text of m2", "internal": False, "deleted": False}]
                    },
                }
            ]
        },
    }
    assert set(world.called().values()) == {1}


async def test_fifty_customers_with_everything_are_one_call_for_each_source_and_kind(
    run, world, fakes
):
    for i in range(50):
        rows = [
            world.contact(name, f"{name}{i}", emails=(f"p{i}@example.com",))
            for name in world.systems
        ]
        world.order(f"shop{i}", f"o{i}", fakes.ago(days=i))
        ticket = world.ticket(f"desk{i}", f"t{i}", fakes.ago(days=i))
        chat = world.conversation(f"chat{i}", f"c{i}", fakes.ago(days=i))
        for thread in (ticket, chat):
            world.message(thread, "m", fakes.ago(hours=i))
        world.customer(f"cus_{i}", *rows)
    answer = await run(
        "query($by: [CustomerKey!]!) { customers(by: $by) { id displayName completeness"
        " identifiers { value } sources { state }"
        " orders { nodes { id } } tickets { nodes { messages { nodes { id } } } }"
        " conversations { nodes { messages { nodes { id } } } } } }",
        by=[{"email": f"p{i}@example.com"} for i in reversed(range(50))],
    )
    assert answer.errors is None
    assert [one["id"] for one in answer.data["customers"]] == [
        f"cus_{i}" for i in reversed(range(50))
    ]
    assert {one["completeness"] for one in answer.data["customers"]} == {"COMPLETE"}
    assert sum(world.called().values()) == 9
    assert set(world.called().values()) == {1}
    calls = world.identity.calls
    assert (calls["find"], calls["clusters"], calls["shared"]) == (1, 1, 1)


async def test_leaves_of_an_order(run, world, fakes):
    world.alice()
    world.order(
        "s1",
        "9",
        fakes.ago(minutes=1),
        status=OrderStatus.SHIPPED,
        raw_status="in_transit",
        total=Money(1250, "GBP"),
        lines=(OrderLine(sku="A", title="Lamp", quantity=2, price=Money(625, "GBP")),),
        shipments=(Shipment(carrier="Post", tracking_url="https://t.example/1"),),
    )
    answer = await run(
        f"{{ {BY_EMAIL} {{ orders(first: 1) {{ edges {{ node {{ status rawStatus channel"
        " total { amount currency } lines { sku title quantity price { amount } warrantyUntil }"
        " shipments { carrier trackingUrl eta } } } pageInfo { hasNextPage hasPreviousPage }"
        " } } }"
    )
    connection = answer.data["customer"]["orders"]
    assert connection["edges"][0]["node"] == {
        "status": "SHIPPED",
        "rawStatus": "in_transit",
        "channel": "UNKNOWN",
        "total": {"amount": "12.50", "currency": "GBP"},
        "lines": [
            {
                "sku": "A",
                "title": "Lamp",
                "quantity": 2,
                "price": {"amount": "6.25"},
                "warrantyUntil": None,
            }
        ],
        "shipments": [{"carrier": "Post", "trackingUrl": "https://t.example/1", "eta": None}],
    }
    assert connection["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False}


async def test_pages_are_walked_by_their_cursors(run, world, fakes):
    world.alice()
    for i in range(5):
        world.order("s1", f"x{i}", fakes.ago(days=10 + i))
    query = (
        f"query($after: String) {{ {BY_EMAIL} {{ orders(first: 3, after: $after) {{"
        " edges { cursor node { number } } pageInfo { hasNextPage startCursor endCursor } } } }"
    )
    seen, after = [], None
    for _ in range(3):
        page = (await run(query, after=after)).data["customer"]["orders"]
        seen += [edge["node"]["number"] for edge in page["edges"]]
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == ["#1002", "#1001", "#x0", "#x1", "#x2", "#x3", "#x4"]


async def test_filters_reach_the_sources(run, world, fakes):
    world.alice()
    world.order("s1", "9", fakes.ago(days=9), status=OrderStatus.REFUNDED)
    answer = await run(
        f"{{ {BY_EMAIL} {{ a: orders(filter: {{status: [REFUNDED]}}) {{ nodes {{ number }} }}"
        ' b: orders(filter: {text: "1001", around: "2026-03-01T00:00:00Z"}) { nodes { number } }'
        " tickets(filter: {status: [CLOSED]}) { nodes { id } } } }"
    )
    customer = answer.data["customer"]
    assert customer["a"]["nodes"] == [{"number": "#9"}]
    assert customer["b"]["nodes"] == [{"number": "#1001"}]
    assert customer["tickets"]["nodes"] == []


# ---------------------------------------------------------------- null is unknown, [] is none


async def test_a_dead_source_is_null_with_one_error_that_names_it_and_the_rest_is_whole(run, world):
    world.alice()
    world["shop"].broken[Kind.ORDER] = DOWN
    answer = await run(
        f"{{ {BY_EMAIL} {{ displayName completeness sources {{ system {{ name }} state }}"
        " orders { nodes { id } edges { cursor } completeness sources { state message } }"
        " tickets { nodes { id } completeness } } }"
    )
    customer = answer.data["customer"]
    assert answer.told == [(["customer", "orders"], "SOURCE_UNAVAILABLE", "shop")]
    assert customer["orders"] == {
        "nodes": None,
        "edges": None,
        "completeness": "UNKNOWN",
        "sources": [{"state": "UNAVAILABLE", "message": "shop: 503"}],
    }
    assert len(customer["tickets"]["nodes"]) == 1
    assert customer["completeness"] == "PARTIAL"
    states = {one["system"]["name"]: one["state"] for one in customer["sources"]}
    assert states == {"crm": "OK", "shop": "UNAVAILABLE", "desk": "OK", "chat": "OK"}


async def test_nothing_is_an_empty_list_without_an_error(run, world):
    world.customer("cus_1", world.contact("shop", "s1", emails=("alice@example.com",)))
    answer = await run(f"{{ {BY_EMAIL} {{ orders {{ nodes {{ id }} edges {{ cursor }} }} }} }}")
    assert answer.data["customer"]["orders"] == {"nodes": [], "edges": []}
    assert answer.errors is None


async def test_a_source_dead_for_fifty_customers_is_one_error(run, world):
    world.alice()
    world["shop"].broken[Kind.ORDER] = DOWN
    answer = await run(
        "query($by: [CustomerKey!]!) { customers(by: $by) { orders { nodes { id } } } }",
        by=[{"email": "alice@example.com"}] * 50,
    )
    assert answer.told == [(["customers", 0, "orders"], "SOURCE_UNAVAILABLE", "shop")]


async def test_what_is_served_stale_is_no_error_and_says_so(run, world):
    world.alice()
    operation = world.operation()
    query = (
        f"{{ {BY_EMAIL} {{ completeness"
        " orders { nodes { provenance { servedFrom } } completeness } } }"
    )
    await run(query, operation=operation)
    await operation.finish()
    world["shop"].broken[Kind.ORDER] = DOWN
    answer = await run(query)
    assert answer.errors is None
    assert answer.data["customer"]["completeness"] == "STALE"
    assert answer.data["customer"]["orders"]["nodes"][0]["provenance"] == {
        "servedFrom": "STALE_CACHE"
    }


async def test_rows_that_are_missing_from_the_golden_record_are_told_at_the_customer(run, world):
    world.alice()
    world.store.rows.clear()
    world["crm"].broken[Kind.CONTACT] = SourceTimeout("crm", "slow")
    answer = await run(
        f"{{ {BY_EMAIL} {{ displayName primaryPhone records {{ id }} completeness }} }}"
    )
    assert answer.told == [(["customer"], "SOURCE_TIMEOUT", "crm")]
    assert answer.data["customer"]["displayName"] == "Alice Example"
    assert answer.data["customer"]["primaryPhone"] is None
    assert len(answer.data["customer"]["records"]) == 3
    assert answer.data["customer"]["completeness"] == "PARTIAL"


# ---------------------------------------------------------------- freshness


async def test_freshness_is_inherited_by_children_unless_they_say_otherwise(run, world):
    world.alice()
    operation = world.operation()
    await run(f"{{ {BY_EMAIL} {{ orders {{ nodes {{ id }} }} }} }}", operation=operation)
    await operation.finish()
    world["shop"].broken[Kind.ORDER] = DOWN
    answer = await run(
        'query { customer(by: {email: "alice@example.com"}, freshness: {allowStale: false}) {'
        " inherited: orders { completeness }"
        " own: orders(freshness: {allowStale: true}) { completeness } } }"
    )
    customer = answer.data["customer"]
    assert customer["inherited"]["completeness"] == "UNKNOWN"
    assert customer["own"]["completeness"] == "STALE"
    assert answer.told == [(["customer", "inherited"], "SOURCE_UNAVAILABLE", "shop")]


async def test_a_row_young_enough_is_not_read_again(run, world, fakes):
    row = world.contact("crm", "h1", fetched_at=fakes.ago(seconds=30), full_name="Ada")
    world.customer("cus_1", row)
    answer = await run(
        '{ customer(by: {id: "cus_1"}) { records { provenance { servedFrom ageSeconds'
        " fetchedAt sourceUpdatedAt url system { id kind connector region } } raw } } }"
    )
    provenance = answer.data["customer"]["records"][0]["provenance"]
    assert (provenance["servedFrom"], provenance["ageSeconds"]) == ("CACHE", 30.0)
    assert provenance["system"]["kind"] == "CRM"
    assert not world.called()


# ---------------------------------------------------------------- the golden record


async def test_attributes_are_chosen_by_name_and_show_what_they_were_chosen_between(run, world):
    world.alice()
    answer = await run(
        f'{{ {BY_EMAIL} {{ attributes(names: ["name", "no_such"]) {{ name value rule'
        " provenance { externalId } alternatives { value } } } }"
    )
    assert answer.data["customer"]["attributes"] == [
        {
            "name": "name",
            "value": "Alice Example",
            "rule": "most_complete",
            "provenance": {"externalId": "h1"},
            "alternatives": [{"value": "A. Example"}, {"value": "Ali"}],
        }
    ]


async def test_identifiers_say_who_carries_them_and_whether_they_are_shared(run, world):
    world.alice()
    world.identity.shared_values = {"ali@other.example"}
    answer = await run(
        f"{{ {BY_EMAIL} {{ identifiers {{ kind value shared verification platform"
        " provenance { system { name } } } } }"
    )
    found = {one["value"]: one for one in answer.data["customer"]["identifiers"]}
    assert found["ali@other.example"]["shared"] is True
    assert [one["system"]["name"] for one in found["alice@example.com"]["provenance"]] == [
        "crm",
        "desk",
        "shop",
    ]


async def test_a_caller_without_scopes_sees_masks_and_no_nulled_parent(run, world, fakes):
    world.alice()
    world.order("s1", "9", fakes.ago(minutes=1), total=Money(1250, "GBP"))
    caller = Caller(name="bot", scopes=frozenset({ANY_CUSTOMER}))
    answer = await run(
        f"{{ {BY_EMAIL} {{ displayName primaryEmail attributes {{ name value }}"
        " identifiers { kind value } records { raw }"
        " orders(first: 1) { nodes { total { amount } } }"
        " tickets { nodes { subject messages { nodes { body author { name } } } } } } }",
        operation=world.operation(caller),
    )
    customer = answer.data["customer"]
    assert answer.errors is None
    assert (customer["displayName"], customer["primaryEmail"]) == ("A. E.", "a***@e***.com")
    assert {one["value"] for one in customer["identifiers"]} == {
        "a***@o***.example",
        "a***@e***.com",
        "***56",
    }
    assert customer["orders"]["nodes"] == [{"total": None}]
    (ticket,) = customer["tickets"]["nodes"]
    assert ticket["subject"] == "***"
    assert ticket["messages"]["nodes"] == [{"body": "***", "author": {"name": "A. B."}}]
    assert "alice@" not in str(answer.data)


# ---------------------------------------------------------------- lookup and other ways in


LOOKUP = """query($by: CustomerKey!) { customerLookup(by: $by) { __typename
  ... on Customer { id } ... on CustomerAmbiguous { message candidates { id displayName } }
  ... on CustomerNotFound { message } ... on CustomerUnknown { message sources { state } }
  ... on CustomerErased { at } ... on NotVerified { message required } } }"""


async def test_a_lookup_says_why_it_led_to_nobody(run, world, fakes):
    world.alice()
    world.customer("cus_gone", world.contact("crm", "h9"), erased_at=fakes.NOW)
    for i in range(2):
        world.customer(f"cus_{i}", world.contact("crm", f"x{i}", emails=("two@example.com",)))

    async def told(**by):
        return (await run(LOOKUP, by=by)).data["customerLookup"]

    assert (await told(id="cus_alice"))["__typename"] == "Customer"
    assert (await told(email="nobody@example.com"))["__typename"] == "CustomerNotFound"
    assert await told(id="cus_gone") == {
        "__typename": "CustomerErased",
        "at": "2026-03-02T09:00:00Z",
    }
    ambiguous = await told(email="two@example.com")
    assert [one["id"] for one in ambiguous["candidates"]] == ["cus_0", "cus_1"]
    world["crm"].broken["search"] = SourceTimeout("crm", "slow")
    answer = await run(LOOKUP, by={"phone": "+44 1"})
    assert answer.data["customerLookup"]["__typename"] == "CustomerUnknown"
    assert answer.told == [(["customerLookup"], "SOURCE_TIMEOUT", "crm")]


async def test_without_a_proof_a_customer_is_null_and_a_lookup_says_what_is_needed(run, world):
    world.alice()
    visitor = Caller(name="page")
    answer = await run(f"{{ {BY_EMAIL} {{ id }} }}", operation=world.operation(visitor))
    assert (answer.data, answer.errors) == ({"customer": None}, None)
    by = {"email": "alice@example.com"}
    answer = await run(LOOKUP, operation=world.operation(visitor), by=by)
    assert answer.data["customerLookup"]["__typename"] == "NotVerified"
    assert answer.data["customerLookup"]["required"] == "VERIFIED"
    key = LookupKey(KeyKind.EMAIL, "alice@example.com")
    proven = Caller(name="page", proven={key: Verification.VERIFIED})
    answer = await run(LOOKUP, operation=world.operation(proven), by=by)
    assert answer.data["customerLookup"]["id"] == "cus_alice"


@pytest.mark.parametrize(
    "by",
    [
        {"phone": "+44 7911 123456"},
        {"accountNumber": "A-1"},
        {"handle": {"platform": "twitter", "handle": "ann"}},
        {"orderNumber": "1001"},
        {"visitorId": "v-1"},
        {"external": {"system": "shop", "externalId": "s1"}},
    ],
)
async def test_every_kind_of_key_is_handed_on_as_it_is(run, world, by):
    world.alice()
    (name, value), *_ = by.items()
    scope = ""
    if isinstance(value, dict):
        scope, value = value.values()
    world.identity.keys[LookupKey(KeyKind(name), value, scope)] = ("cus_alice",)
    answer = await run(LOOKUP, by=by)
    assert answer.data["customerLookup"] == {"__typename": "Customer", "id": "cus_alice"}


async def test_customers_are_answered_in_order_with_null_for_nobody(run, world):
    world.alice()
    by = [{"email": "nobody@example.com"}, {"id": "cus_alice"}, {"email": "alice@example.com"}]
    query = "query($by: [CustomerKey!]!) { customers(by: $by) { id } }"
    answer = await run(query, by=by)
    assert answer.data["customers"] == [None, {"id": "cus_alice"}, {"id": "cus_alice"}]


async def test_any_thing_is_found_by_its_id(run, world):
    world.alice()
    query = """query($id: ID!) { node(id: $id) { __typename id
      ... on Customer { displayName } ... on Order { number } ... on System { name }
      ... on Ticket { subject } ... on SourceRecord { provenance { externalId } }
      ... on Interaction { state } ... on TimelineItem { occurredAt } ... on Message { body } } }"""
    ids = {
        "Customer": "cus_alice",
        "Order": encode_node_id("order", "shop", "1001"),
        "Ticket": encode_node_id("ticket", "desk", "t1"),
        "Conversation": encode_node_id("conversation", "chat", "c1"),
        "Message": encode_node_id("message", "desk", "t1/m1"),
        "SourceRecord": encode_node_id("record", "crm", "h1"),
        "System": encode_node_id("system", "crm"),
    }
    for name, one in ids.items():
        found = (await run(query, id=one)).data["node"]
        assert (found["__typename"], found["id"]) == (name, one)
    answer = await run(query, id="nonsense")
    assert answer.told == [(["node"], "BAD_REQUEST", None)]


async def test_people_are_searched_by_words(run, world):
    world.alice()
    world.identity.words["ali ex"] = ["cus_alice"]
    answer = await run('{ customerSearch(text: "ali ex", first: null) { displayName } }')
    assert answer.data["customerSearch"] == [{"displayName": "Alice Example"}]
    visitor = world.operation(Caller(name="page"))
    answer = await run('{ customerSearch(text: "ali") { id } }', operation=visitor)
    assert answer.told == [(["customerSearch"], "FORBIDDEN", None)]


async def test_an_order_by_number(run, world):
    world.alice()
    world["shop"].searches[LookupKey(KeyKind.ORDER_NUMBER, "1001")] = ["s1"]
    world.identity.adopts_into["s1"] = "cus_alice"
    query = """query($number: String!) { order(number: $number) { __typename
      ... on Order { number } ... on OrderNotFound { message } } }"""
    assert (await run(query, number="1001")).data["order"] == {
        "__typename": "Order",
        "number": "#1001",
    }
    assert not world.called()["crm", "get", "contact"]
    assert (await run(query, number="9")).data["order"]["__typename"] == "OrderNotFound"


async def test_sources_and_capabilities(run, world, fakes):
    operation = world.operation()
    given = (
        Capability(name="identity", enabled=True),
        Capability(name="knowledge", enabled=False, reason="not built yet"),
    )
    operation.services = fakes.replace(operation.services, capabilities=given)
    answer = await run(
        "{ sources { system { name region } state lastSuccessAt }"
        " capabilities { name enabled reason } }",
        operation=operation,
    )
    assert [one["system"]["name"] for one in answer.data["sources"]] == list(world.systems)
    assert answer.data["capabilities"][1] == {
        "name": "knowledge",
        "enabled": False,
        "reason": "not built yet",
    }


# ---------------------------------------------------------------- only what is asked for


async def test_a_source_nobody_asked_anything_of_is_not_called(run, world):
    world.alice()
    answer = await run(
        f"{{ {BY_EMAIL} {{ id version orders {{ nodes {{ id }} }} completeness"
        " sources { system { name } state } } }"
    )
    assert world.called() == {("shop", "children", "order"): 1}
    states = {one["system"]["name"]: one["state"] for one in answer.data["customer"]["sources"]}
    assert states == {"crm": "NOT_ASKED", "shop": "OK", "desk": "NOT_ASKED", "chat": "NOT_ASKED"}
    assert answer.data["customer"]["completeness"] == "COMPLETE"


async def test_only_attributes_that_are_read_are_asked_for(run, world):
    world.alice()
    await run(
        f"query($no: Boolean = false) {{ {BY_EMAIL} {{ ...A primaryEmail @include(if: $no) }} }}"
        " fragment A on Customer { displayName }"
    )
    assert world["crm"].calls[0].fields == {
        "key",
        "provenance",
        "full_name",
        "given_name",
        "family_name",
    }


async def test_operations_at_once_do_not_meet(run, world):
    """Masks, ledgers and loaders are an operation's own."""
    world.alice()
    bot = Caller(name="bot", scopes=frozenset({ANY_CUSTOMER}))
    query = f"{{ {BY_EMAIL} {{ displayName }} }}"
    answers = await asyncio.gather(
        *(run(query, operation=world.operation(caller)) for caller in (None, bot) * 50)
    )
    names = [one.data["customer"]["displayName"] for one in answers]
    assert names == ["Alice Example", "A. E."] * 50
