"""Who may call, from where, and what they see."""

import json

import httpx
import pytest

from sandbox.demo import CRM_EMAIL

PAGE = "http://127.0.0.1:5500"
"""The origin of a page on another loopback port."""
MARGARET = {"email": CRM_EMAIL}

CUSTOMER = """
query Customer($by: CustomerKey!) {
  customer(by: $by) {
    id displayName primaryEmail primaryPhone
    attributes { name value alternatives { value } }
    identifiers { kind value }
    records { id raw }
    orders { nodes { id total { amount currency } shipments { trackingNumber trackingUrl } } }
    tickets { nodes { id subject messages { nodes { id body internal author { name } } } } }
    conversations { nodes { id messages { nodes { id body internal author { name } } } } }
  }
}"""
PERSONAL = {
    "displayName", "primaryEmail", "primaryPhone", "value", "raw", "trackingNumber", "trackingUrl",
    "subject", "body",
}  # fmt: skip
LOOKUP = """
query Lookup($by: CustomerKey!) {
  customer(by: $by) { id }
  customerLookup(by: $by) { __typename ... on NotVerified { required } }
}"""


def personal(found):
    """Every text of a personal field, wherever it is."""
    if isinstance(found, list):
        return {text for one in found for text in personal(one)}
    if not isinstance(found, dict):
        return set()
    own = {v for k, v in found.items() if k in PERSONAL and isinstance(v, str)}
    return own.union(*map(personal, found.values()))


def shape(found):
    """What is there and what is null."""
    if isinstance(found, list):
        return [shape(one) for one in found]
    if isinstance(found, dict):
        return {key: shape(one) for key, one in found.items()}
    return found is not None


def without_notes(customer):
    for name in ("tickets", "conversations"):
        for thread in customer[name]["nodes"]:
            said = thread["messages"]["nodes"]
            thread["messages"]["nodes"] = [one for one in said if not one["internal"]]
    return customer


async def test_a_page_on_another_loopback_origin_may_call_and_sees_masks(server, platforms):
    asked = {
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    async with httpx.AsyncClient(base_url=server, timeout=30) as http:
        preflight = await http.options("/graphql", headers=asked)
        body = {"query": CUSTOMER, "variables": {"by": MARGARET}}
        headers = {"origin": PAGE, "authorization": "Bearer token-of-masked"}
        answer = await http.post("/graphql", json=body, headers=headers)
        full = await http.post(
            "/graphql", json=body, headers={"authorization": "Bearer token-of-full"}
        )
    assert preflight.status_code == 200
    allowed = preflight.headers["access-control-allow-headers"].lower()
    assert {"authorization", "content-type"} <= set(allowed.split(", "))
    for one in (preflight, answer):
        assert one.headers["access-control-allow-origin"] in {PAGE, "*"}
        assert "access-control-allow-credentials" not in one.headers

    masked, whole = answer.json()["data"]["customer"], full.json()["data"]["customer"]
    assert masked["id"] == whole["id"]
    whole = without_notes(whole)
    for one in (masked, whole):
        # What has no text of which a part could be hidden is null.
        for record in one["records"]:
            del record["raw"]
        for order in one["orders"]["nodes"]:
            del order["total"]
            for shipment in order["shipments"]:
                del shipment["trackingUrl"]
    assert shape(masked) == shape(whole), "a mask, never a parent that is null"
    seen = personal(masked)
    assert seen
    assert not seen & personal(whole)
    hidden = [text for text in personal(whole) if len(text) > 4]
    assert [text for text in hidden if text in json.dumps(masked, ensure_ascii=False)] == []


async def test_a_page_of_another_site_may_not_call(server):
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    async with httpx.AsyncClient(base_url=server) as http:
        preflight = await http.options("/graphql", headers=asked)
    assert "access-control-allow-origin" not in preflight.headers


async def test_without_staff_internal_notes_are_left_out(graph):
    staff = (await graph.data(CUSTOMER, by=MARGARET))["customer"]["tickets"]["nodes"][0]
    other = (await graph.data(CUSTOMER, "masked", by=MARGARET))["customer"]["tickets"]["nodes"][0]
    notes = [one["id"] for one in staff["messages"]["nodes"] if one["internal"]]
    left = [one["id"] for one in other["messages"]["nodes"]]
    assert len(notes) == 1
    assert left == [one["id"] for one in staff["messages"]["nodes"] if not one["internal"]]
    hidden = await graph.data("query N($id: ID!) { node(id: $id) { id } }", "masked", id=notes[0])
    assert hidden["node"] is None


@pytest.mark.parametrize("key", [MARGARET, {"email": "nobody.at.all@example.org"}], ids=str)
async def test_a_visitor_must_prove_a_key_before_anything_is_asked(graph, platforms, key):
    found = await graph.data(LOOKUP, "visitor", by=key)
    assert found["customer"] is None
    assert found["customerLookup"] == {"__typename": "NotVerified", "required": "VERIFIED"}
    assert all(not platforms.calls(source) for source in platforms.urls)


async def test_a_visitor_sees_nobody_through_a_node_an_entity_or_a_search(graph):
    whole = (await graph.data(CUSTOMER, by=MARGARET))["customer"]
    ids = [whole["id"], whole["orders"]["nodes"][0]["id"], whole["records"][0]["id"]]
    for one in ids:
        found = await graph.data("query N($id: ID!) { node(id: $id) { id } }", "visitor", id=one)
        assert found["node"] is None
    entities = await graph.data(
        "query E($some: [_Any!]!) { _entities(representations: $some) { __typename } }",
        "visitor",
        some=[{"__typename": "Customer", "id": whole["id"]}],
    )
    assert entities["_entities"] == [None]
    search = await graph.ask('{ customerSearch(text: "ellison") { id } }', "visitor")
    assert search["data"] is None
    assert [one["extensions"]["code"] for one in search["errors"]] == ["FORBIDDEN"]


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer token-of-nobody"}], ids=str)
async def test_without_a_known_token_nobody_is_let_in(server, headers):
    async with httpx.AsyncClient(base_url=server) as http:
        answer = await http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert answer.status_code == 401
    assert [one["extensions"]["code"] for one in answer.json()["errors"]] == ["UNAUTHENTICATED"]


def test_a_server_for_strangers_does_not_start_without_tokens(deploy):
    fresh = deploy()
    ended = fresh.knownas("serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104  # refused
    assert ended.returncode == 1
    [complaint] = ended.stderr.splitlines()
    assert "server.host" in complaint
    assert "needs [[auth.tokens]]" in complaint
    assert not fresh.state.exists()
