"""A steward's decisions over HTTP, and what is left of them after a full sync and a resolution."""

import pytest

PERSON = """
query Person($by: CustomerKey!) {
  customer(by: $by) {
    id version records { id }
    links {
      id status summary matchWeight priorWeight reason decidedBy { id }
      evidence { comparison level matchWeight }
    }
  }
}"""
MERGE = """
mutation Merge($input: MergeInput!) {
  customerMerge(input: $input) { customers { id version aliases } event userErrors { code field } }
}"""
SPLIT = """
mutation Split($input: SplitInput!) {
  customerSplit(input: $input) { customers { id } userErrors { code field } }
}"""
HISTORY = "query($id: ID!) { identityHistory(customer: $id) { nodes { kind by { id } reason } } }"


@pytest.fixture
def namesakes(world):
    """A father and a son of one name and address, as keys of their records in the CRM."""
    ids = [one.id for one in world.people.values() if one.household == "father-and-son"]
    rows = {row.person_id: row.id for row in world.crm_contacts.live()}
    return [{"external": {"system": "crm", "externalId": rows[id]}} for id in ids]


async def people(graph, keys):
    return [(await graph.data(PERSON, by=key))["customer"] for key in keys]


async def records(graph, keys):
    return [{row["id"] for row in one["records"]} for one in await people(graph, keys)]


def named(one):
    return {"id": one["id"], "expectedVersion": one["version"]}


def explained(links):
    """A link says who decided and why; where the model has weighed it, the sum is the weight."""
    decided = [link for link in links if link["status"] == "CONFIRMED"]
    assert {link["decidedBy"]["id"] for link in decided} == {"full"}
    assert {link["reason"] for link in decided} == {"looked alike"}
    weighed = [link for link in links if link["evidence"]]
    assert weighed
    for link in weighed:
        total = link["priorWeight"] + sum(one["matchWeight"] for one in link["evidence"])
        assert total == pytest.approx(link["matchWeight"], abs=1e-6)
    assert all(
        link["summary"].startswith(("One person", "Perhaps", "Two people")) for link in links
    )


async def test_a_wrong_merge_is_split_and_stays_split_over_a_full_sync(
    deployment, inside, namesakes
):
    async with inside(deployment) as graph:
        one, other = await people(graph, namesakes)
        before = await records(graph, namesakes)
        wish = {
            "keep": named(one),
            "absorb": [named(other)],
            "reason": "looked alike",
            "idempotencyKey": "m1",
        }
        merged = (await graph.data(MERGE, input=wish))["customerMerge"]
        assert merged["userErrors"] == []
        assert merged["customers"][0]["id"] == one["id"]
        assert other["id"] in merged["customers"][0]["aliases"]
        assert await graph.data(MERGE, input=wish) == {"customerMerge": merged}
    deployment.done("identity", "resolve")
    async with inside(deployment) as graph:
        together, same = await people(graph, namesakes)
        assert together["id"] == same["id"] == one["id"]
        explained(together["links"])
        split = {
            "customer": together["id"],
            "records": sorted(before[1]),
            "expectedVersion": together["version"],
            "reason": "they are two",
            "idempotencyKey": "s1",
        }
        payload = (await graph.data(SPLIT, input=split))["customerSplit"]
        assert payload["userErrors"] == []
        assert {now["id"] for now in payload["customers"]} == {one["id"], other["id"]}
    deployment.done("sync", "--full")
    deployment.done("identity", "resolve")
    async with inside(deployment) as graph:
        assert await records(graph, namesakes) == before
        assert [now["id"] for now in await people(graph, namesakes)] == [one["id"], other["id"]]
        told = (await graph.data(HISTORY, id=other["id"]))["identityHistory"]["nodes"]
        assert [(event["kind"], event["by"]["id"], event["reason"]) for event in told[:2]] == [
            ("SPLIT", "full", "they are two"),
            ("MERGED", "full", "looked alike"),
        ]


async def test_a_get_request_and_who_is_no_staff_decide_nothing(deployment, inside, namesakes):
    async with inside(deployment) as graph:
        one, other = await people(graph, namesakes)
        wish = {
            "keep": named(one),
            "absorb": [named(other)],
            "reason": "one",
            "idempotencyKey": "m1",
        }
        answer = await graph.ask(MERGE, caller="masked", input=wish)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        text = 'mutation { identityLinkConfirm(id: "link_x", reason: "y") { event } }'
        headers = {"authorization": "Bearer token-of-full"}
        got = await graph.http.get("/graphql", params={"query": text}, headers=headers)
        assert got.status_code == 405
        assert await people(graph, namesakes) == [one, other]
