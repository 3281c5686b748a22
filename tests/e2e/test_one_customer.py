"""One person, known in four systems by four keys, through `knownas serve`."""

import httpx
import pytest

from sandbox.demo import CHAT_EMAIL, CRM_EMAIL, PHONE, SHOP_EMAIL, TICKET_EMAIL

ID = "query Id($by: CustomerKey!) { customer(by: $by) { id displayName } }"

EVERYTHING = """
query Everything($by: CustomerKey!) {
  customer(by: $by) {
    id version aliases displayName primaryEmail primaryPhone completeness
    sources { system { id name kind connector } state }
    attributes {
      name value rule provenance { system { name } externalId servedFrom }
      alternatives { name value rule provenance { system { name } } }
    }
    identifiers { kind value verification shared provenance { system { name } } }
    records { id provenance { system { name } externalId } }
    links { id }
    orders {
      nodes { id number status rawStatus channel total { amount currency }
        lines { sku title quantity } shipments { carrier status } provenance { system { name } } }
      completeness sources { system { name } state } pageInfo { hasNextPage }
    }
    tickets {
      nodes { id number subject status channel provenance { system { name } }
        messages { nodes { id body internal author { kind name } } completeness } }
      completeness
    }
    conversations {
      nodes { id state channel provenance { system { name } } lastMessage { body }
        messages { nodes { id body internal author { kind name } } completeness } }
      completeness
    }
  }
}"""

LINKS = """
query Links($id: ID!) {
  customer(by: { id: $id }) {
    records { id }
    links {
      method status matchWeight priorWeight modelVersion left { id } right { id }
      evidence { comparison level matchWeight }
    }
  }
}"""

NODE = "query Node($id: ID!) { node(id: $id) { __typename id } }"


@pytest.fixture
async def margaret(graph):
    """All there is of the demo person."""
    return (await graph.data(EVERYTHING, by={"email": CRM_EMAIL}))["customer"]


async def test_four_systems_are_one_customer_and_every_one_of_them_answered(margaret):
    assert margaret["displayName"] == "Margaret Ellison"
    assert margaret["primaryEmail"] == CRM_EMAIL
    assert margaret["completeness"] == "COMPLETE"
    assert {s["system"]["name"]: s["state"] for s in margaret["sources"]} == {
        "crm": "OK",
        "shop": "OK",
        "desk": "OK",
        "chat": "OK",
    }
    records = [one["provenance"] for one in margaret["records"]]
    assert sorted(one["system"]["name"] for one in records) == ["chat", "crm", "desk", "shop"]
    assert len({one["externalId"] for one in records}) == 4


async def test_orders_come_from_the_web_and_from_the_till(margaret):
    orders = margaret["orders"]
    assert orders["completeness"] == "COMPLETE"
    assert not orders["pageInfo"]["hasNextPage"]
    told = [
        (one["channel"], one["status"], [line["sku"] for line in one["lines"]])
        for one in orders["nodes"]
    ]
    assert told == [  # newest first
        ("SELF_SERVICE", "SHIPPED", ["ESP-200"]),
        ("STORE", "DELIVERED", ["GRD-110"]),
        ("SELF_SERVICE", "DELIVERED", ["ESP-200", "DSC-002"]),
    ]
    assert {one["provenance"]["system"]["name"] for one in orders["nodes"]} == {"shop"}
    assert orders["nodes"][0]["shipments"][0]["carrier"] == "DPD"


async def test_tickets_and_conversations_come_with_what_was_said(margaret):
    tickets, chats = margaret["tickets"]["nodes"], margaret["conversations"]["nodes"]
    assert [(one["status"], one["channel"]) for one in tickets] == [
        ("OPEN", "EMAIL"),
        ("CLOSED", "VOICE"),
    ]
    assert "leaks at the pump" in tickets[0]["subject"]
    said = tickets[0]["messages"]["nodes"]
    assert len(said) == 4
    assert [one["internal"] for one in said] == [True, False, False, False]  # newest first
    assert said[-1]["author"]["kind"] == "CUSTOMER"

    assert [one["state"] for one in chats] == ["IN_PROGRESS", "ENDED"]
    heard = [one["body"] for one in chats[0]["messages"]["nodes"]]
    assert len(heard) == 3
    assert "I was promised a replacement" in heard[-1]
    assert all(one["messages"]["completeness"] == "COMPLETE" for one in [*tickets, *chats])


@pytest.mark.parametrize(
    "key",
    [
        {"email": SHOP_EMAIL},
        {"email": TICKET_EMAIL},
        {"email": CHAT_EMAIL},
        {"email": CHAT_EMAIL.upper()},
        {"phone": PHONE},
        {"phone": "07700 900123"},
        {"phone": "0044 7700 900 123"},
        {"phone": "+44 (0)7700 900123"},
    ],
    ids=str,
)
async def test_every_way_to_her_leads_to_the_same_id(graph, margaret, key):
    assert (await graph.data(ID, by=key))["customer"]["id"] == margaret["id"]


async def test_the_key_of_any_system_leads_to_the_same_id(graph, margaret):
    for record in margaret["records"]:
        where = record["provenance"]
        key = {"external": {"system": where["system"]["name"], "externalId": where["externalId"]}}
        assert (await graph.data(ID, by=key))["customer"]["id"] == margaret["id"]


async def test_the_number_of_an_order_leads_to_its_buyer(graph, margaret):
    for order in margaret["orders"]["nodes"]:
        found = await graph.data(ID, by={"orderNumber": order["number"]})
        assert found["customer"]["id"] == margaret["id"]


async def test_her_namesake_is_somebody_else(graph, world, margaret):
    namesake = world.people["person-0002"]
    assert (namesake.given_name, namesake.family_name) == ("Margaret", "Ellison")
    row = next(row for row in world.shop_customers.all() if row.person_id == namesake.id)
    key = {"external": {"system": "shop", "externalId": row.id}}
    other = (await graph.data(ID, by=key))["customer"]
    assert set(other["displayName"].split()) == set(margaret["displayName"].split())
    assert other["id"] != margaret["id"]
    found = await graph.data(
        "query Search($text: String!) { customerSearch(text: $text) { id } }",
        text="margaret ellison",
    )
    assert {margaret["id"], other["id"]} <= {one["id"] for one in found["customerSearch"]}


async def test_every_value_says_where_it_came_from_and_between_what_it_was_chosen(margaret):
    values = {one["name"]: one for one in margaret["attributes"]}
    assert {"name", "email", "phone"} <= values.keys()
    for value in values.values():
        assert value["rule"]
        assert value["provenance"]["system"]["name"] in {"crm", "shop", "desk", "chat"}
    email = values["email"]
    assert email["value"] == CRM_EMAIL
    others = {one["value"]: one["provenance"]["system"]["name"] for one in email["alternatives"]}
    assert others == {SHOP_EMAIL: "shop", TICKET_EMAIL: "desk", CHAT_EMAIL: "chat"}
    emails = [one["value"] for one in margaret["identifiers"] if one["kind"] == "EMAIL"]
    assert sorted(emails) == sorted([CRM_EMAIL, SHOP_EMAIL, TICKET_EMAIL, CHAT_EMAIL])


async def test_links_say_that_a_model_decided_and_on_what_evidence(graph, margaret):
    found = (await graph.data(LINKS, id=margaret["id"]))["customer"]
    records = {one["id"] for one in found["records"]}
    assert records == {link[end]["id"] for link in found["links"] for end in ("left", "right")}
    for link in found["links"]:
        assert (link["method"], link["status"]) == ("PROBABILISTIC", "AUTO")
        assert link["modelVersion"]
        evidence = sum(one["matchWeight"] for one in link["evidence"])
        assert link["priorWeight"] + evidence == pytest.approx(link["matchWeight"], abs=1e-6)


async def test_every_id_of_the_answer_leads_to_its_node(graph, margaret):
    threads = [*margaret["tickets"]["nodes"], *margaret["conversations"]["nodes"]]
    ids = {
        "Customer": [margaret["id"]],
        "SourceRecord": [one["id"] for one in margaret["records"]],
        "System": [one["system"]["id"] for one in margaret["sources"]],
        "IdentityLink": [one["id"] for one in margaret["links"]],
        "Order": [one["id"] for one in margaret["orders"]["nodes"]],
        "Ticket": [one["id"] for one in margaret["tickets"]["nodes"]],
        "Conversation": [one["id"] for one in margaret["conversations"]["nodes"]],
        "Message": [one["id"] for thread in threads for one in thread["messages"]["nodes"]],
    }
    for name, some in ids.items():
        assert some
        for one in some:
            assert (await graph.data(NODE, id=one))["node"] == {"__typename": name, "id": one}


async def test_the_landing_page_has_a_query_that_runs(server, graph):
    async with httpx.AsyncClient(base_url=server) as http:
        page = await http.get("/")
        sdl = await http.get("/schema.graphql", headers={"authorization": "Bearer token-of-full"})
    assert page.status_code == 200
    assert "type Customer" in sdl.text
    found = await graph.data("{ __typename sources { system { name } state } }")
    assert {one["state"] for one in found["sources"]} == {"OK"}
