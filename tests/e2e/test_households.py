"""People of one home, and what a steward is shown of them."""

from collections import defaultdict

import httpx
import pytest

HOUSEHOLDS = ("family-of-four", "twins", "father-and-son")
NAMES = {"hubspot": "crm", "shopify": "shop", "zendesk": "desk", "intercom": "chat"}
QUEUE = """
query Queue($after: String) {
  reviewQueue(first: 100, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes {
      summary matchWeight priorWeight
      left { provenance { system { name } externalId } }
      right { provenance { system { name } externalId } }
      evidence { matchWeight }
    }
  }
}"""
OWNERS = """
query Owners($by: [CustomerKey!]!) { customers(by: $by) { id } }"""


@pytest.fixture(scope="module")
def residents(world):
    """The (source, id) of every record of each person of the households."""
    homes = {one.id: one for one in world.people.values() if one.household in HOUSEHOLDS}
    assert len(homes) == 8
    keys = defaultdict(list)
    for row in world.truth():
        if row.kind == "contact" and row.person_id in homes:
            keys[row.person_id].append((NAMES[row.system], row.id))
    return keys


@pytest.fixture(scope="module")
def owner(server, residents):
    """Of every such record, the customer it is held to be."""
    keys = [key for some in residents.values() for key in some]
    by = [{"external": {"system": source, "externalId": id}} for source, id in keys]
    found = asked(server, OWNERS, by=by)["customers"]
    return {key: one["id"] for key, one in zip(keys, found, strict=True)}


@pytest.fixture(scope="module")
def queue(server):
    nodes, after = [], None
    while True:
        page = asked(server, QUEUE, after=after)["reviewQueue"]
        nodes += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert len(nodes) == page["totalCount"]
            return nodes


def asked(server, query, **variables):
    headers = {"authorization": "Bearer token-of-full"}
    body = {"query": query, "variables": variables}
    answer = httpx.post(f"{server}/graphql", json=body, headers=headers, timeout=30).json()
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


def ends(link):
    places = [link[side]["provenance"] for side in ("left", "right")]
    return tuple((one["system"]["name"], one["externalId"]) for one in places)


def test_people_of_one_home_are_different_customers(residents, owner):
    """A landline and a mailbox for four, one birth date for two, one name for two."""
    customers = {person: {owner[key] for key in keys} for person, keys in residents.items()}
    for person, own in customers.items():
        for other, theirs in customers.items():
            assert person == other or not own & theirs, (person, other)


def test_what_is_near_and_not_joined_waits_for_a_steward(residents, owner, queue):
    """Whoever a shared landline keeps apart is one click away: the queue, and what is joined
    already, reach every record of a person from every other.
    """
    waiting = {frozenset(ends(link)) for link in queue}
    for person, keys in residents.items():
        reached, fresh = set(), {keys[0]}
        while fresh:
            reached |= fresh
            fresh = {
                key
                for key in set(keys) - reached
                for known in reached
                if owner[key] == owner[known] or frozenset((key, known)) in waiting
            }
        assert reached == set(keys), person


def test_every_line_of_the_queue_is_explained(queue):
    for link in queue:
        total = link["priorWeight"] + sum(one["matchWeight"] for one in link["evidence"])
        assert total == pytest.approx(link["matchWeight"], abs=1e-6)
        assert link["summary"].startswith("Perhaps one person: ")
