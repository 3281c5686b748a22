"""A key nobody has synced: searched at the systems, adopted, and told apart from one nobody has."""

import json

import pytest

from sandbox.demo import CRM_EMAIL

LOOKUP = """
query Lookup($by: CustomerKey!) {
  customerLookup(by: $by) {
    __typename
    ... on Customer { id displayName completeness sources { system { name } state } }
    ... on CustomerNotFound { message }
    ... on CustomerUnknown { message sources { system { name } state } }
  }
}"""
CONTACTS = "/crm/v3/objects/contacts"
NEW = {"email": "ines.quintero@example.org", "firstname": "Inés", "lastname": "Quintero"}
NOBODY = {"email": "nobody.at.all@example.org"}
LONGEST_REST_S = 40.0


async def looked_up(graph, **key):
    return (await graph.data(LOOKUP, by=key))["customerLookup"]


async def get(graph, key):
    """The same question as a safe request."""
    variables = json.dumps({"by": key})
    headers = {"authorization": "Bearer token-of-full"}
    parameters = {"query": LOOKUP, "variables": variables}
    answer = await graph.http.get("/graphql", params=parameters, headers=headers)
    assert answer.status_code == 200
    return answer.json()["data"]["customerLookup"]


async def test_somebody_new_is_found_at_the_system_and_keeps_the_id_ever_after(
    inside, deploy, resolved, own_platforms
):
    deployment = deploy(resolved, on=own_platforms)
    made = own_platforms.direct("crm", "POST", CONTACTS, {"properties": NEW})
    async with inside(deployment) as graph:
        found = await looked_up(graph, email=NEW["email"])
        assert (found["__typename"], found["displayName"]) == ("Customer", "Inés Quintero")
        again = await looked_up(graph, external={"system": "crm", "externalId": made["id"]})
        assert again["id"] == found["id"]
        own_platforms.forget()
        assert (await looked_up(graph, email=NEW["email"].upper()))["id"] == found["id"]
        assert all(not own_platforms.calls(source) for source in ("shop", "desk", "chat"))

    deployment.done("sync")
    deployment.done("identity", "resolve")
    async with inside(deployment) as graph:
        assert (await looked_up(graph, email=NEW["email"]))["id"] == found["id"]


async def test_a_new_row_of_somebody_known_leads_to_who_they_are(
    inside, deploy, resolved, own_platforms
):
    margaret = {
        "email": "ellison.m@example.com",
        "firstname": "Margaret",
        "lastname": "Ellison",
        "phone": "+44 7700 900123",
        "address": "14 Canal Walk",
        "city": "Bristol",
        "zip": "BS6 5QT",
    }
    own_platforms.direct("crm", "POST", CONTACTS, {"properties": margaret})
    async with inside(deploy(resolved, on=own_platforms)) as graph:
        known = await looked_up(graph, email=CRM_EMAIL)
        assert (await looked_up(graph, email=margaret["email"]))["id"] == known["id"]


async def test_a_safe_request_searches_nowhere_and_does_not_say_not_found(
    inside, deployment, platforms
):
    async with inside(deployment) as graph:
        found = await get(graph, NOBODY)
        assert found["__typename"] == "CustomerUnknown"
        assert {one["state"] for one in found["sources"]} == {"NOT_ASKED"}
        assert all(not platforms.calls(source) for source in platforms.urls)
        assert (await get(graph, {"email": CRM_EMAIL}))["__typename"] == "Customer"
        assert (await looked_up(graph, **NOBODY))["__typename"] == "CustomerNotFound"
        assert all(platforms.calls(source) for source in platforms.urls)


@pytest.mark.parametrize("source", ["crm", "shop", "desk", "chat"])
async def test_not_found_is_only_said_when_every_system_answered(
    inside, deployment, platforms, skip, source
):
    async with inside(deployment) as graph:
        platforms.fault(source, "500")
        answer = await graph.ask(LOOKUP, by=NOBODY)
        found = answer["data"]["customerLookup"]
        assert found["__typename"] == "CustomerUnknown"
        states = {one["system"]["name"]: one["state"] for one in found["sources"]}
        assert states.pop(source) == "UNAVAILABLE"
        assert set(states.values()) == {"OK"}
        [error] = answer["errors"]
        assert error["extensions"] == {"code": "SOURCE_UNAVAILABLE", "system": source}
        plain = await graph.ask(
            "query Q($by: CustomerKey!) { customer(by: $by) { id } }", by=NOBODY
        )
        assert plain["data"] == {"customer": None}

        platforms.heal()
        skip(LONGEST_REST_S)
        assert (await looked_up(graph, **NOBODY))["__typename"] == "CustomerNotFound"


@pytest.mark.parametrize(
    "key",
    [
        {"phone": "+44 7700 900999 77"},
        {"phone": "+442079460999"},
        {"accountNumber": "AC-000000"},
        {"orderNumber": "#999999"},
        {"external": {"system": "desk", "externalId": "1"}},
        {"external": {"system": "shop", "externalId": "not an id"}},
        {"external": {"system": "nowhere", "externalId": "1"}},
        {"handle": {"platform": "mastodon", "handle": "@nobody"}},
        {"id": "cus_01AAAAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=str,
)
async def test_a_key_nobody_has_is_not_found(graph, key):
    assert (await looked_up(graph, **key))["__typename"] == "CustomerNotFound"
