"""What outlives a server: ids, and what they lead to."""

import httpx

IDS = """
query Ids($by: [CustomerKey!]!) {
  customers(by: $by) { id records { id } orders { nodes { id } } tickets { nodes { id } } }
}"""
NODE = "query Node($id: ID!) { node(id: $id) { __typename id } }"
SEVERAL = 20


def asked(address, query, **variables):
    body = {"query": query, "variables": variables}
    answer = httpx.post(f"{address}/graphql", json=body, timeout=30).raise_for_status().json()
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


def test_ids_outlive_the_server_that_handed_them_out(deployment, world):
    rows = [row for row, _ in zip(world.crm_contacts.live(), range(SEVERAL), strict=False)]
    by = [{"external": {"system": "crm", "externalId": row.id}} for row in rows]
    with deployment.serving() as address:
        before = asked(address, IDS, by=by)["customers"]
    with deployment.serving() as address:
        assert asked(address, IDS, by=by)["customers"] == before
        assert [one["id"] for one in before] == [
            asked(address, NODE, id=one["id"])["node"]["id"] for one in before
        ]
        things = {
            "SourceRecord": before[0]["records"],
            "Order": before[0]["orders"]["nodes"],
            "Ticket": before[0]["tickets"]["nodes"],
        }
        for name, some in things.items():
            found = [asked(address, NODE, id=one["id"])["node"] for one in some]
            assert found == [{"__typename": name, "id": one["id"]} for one in some] != []
