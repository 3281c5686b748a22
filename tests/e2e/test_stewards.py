"""A steward's decisions over HTTP, and what is left of them after a full sync and a resolution."""

import pytest

PERSON = """
query Person($email: String!) {
  customer(by: {email: $email}) { id version records { id } links { id status } }
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
def emails(world):
    """Of two people whom their e-mails tell apart."""
    rows = [row for row in world.crm_contacts.live() if row.email]
    one, other = rows[20], rows[60]
    return one.email, other.email


async def people(graph, emails):
    return [(await graph.data(PERSON, email=email))["customer"] for email in emails]


async def records(graph, emails):
    return [{row["id"] for row in one["records"]} for one in await people(graph, emails)]


def named(one):
    return {"id": one["id"], "expectedVersion": one["version"]}


async def test_a_wrong_merge_is_split_and_stays_split_over_a_full_sync(deployment, inside, emails):
    async with inside(deployment) as graph:
        one, other = await people(graph, emails)
        before = await records(graph, emails)
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
        together, same = await people(graph, emails)
        assert together["id"] == same["id"] == one["id"]
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
        assert await records(graph, emails) == before
        assert [now["id"] for now in await people(graph, emails)] == [one["id"], other["id"]]
        told = (await graph.data(HISTORY, id=other["id"]))["identityHistory"]["nodes"]
        assert [(event["kind"], event["by"]["id"], event["reason"]) for event in told[:2]] == [
            ("SPLIT", "full", "they are two"),
            ("MERGED", "full", "looked alike"),
        ]


async def test_a_get_request_and_who_is_no_staff_decide_nothing(deployment, inside, emails):
    async with inside(deployment) as graph:
        one, other = await people(graph, emails)
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
        assert await people(graph, emails) == [one, other]
