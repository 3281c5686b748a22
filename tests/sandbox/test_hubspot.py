"""HubSpot's contacts as a client meets them."""

from datetime import timedelta

import pytest

from sandbox import hubspot
from sandbox.allowance import Allowance

CONTACTS = "/crm/v3/objects/contacts"
BEARER = {"authorization": f"Bearer {hubspot.TOKEN}"}


@pytest.fixture
async def client(world, connect):
    async with connect(hubspot.build(world), headers=BEARER) as opened:
        yield opened


@pytest.fixture
def rows(world):
    return sorted(world.crm_contacts.live(), key=lambda row: int(row.id))


async def search(client, **body):
    answer = await client.post(f"{CONTACTS}/search", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def matches(client, name, operator, **operands):
    rule = {"propertyName": name, "operator": operator, **operands}
    body = await search(client, filterGroups=[{"filters": [rule]}], limit=200)
    return {result["id"] for result in body["results"]}


async def read(client, *ids, **more):
    body = {"inputs": [{"id": key} for key in ids], "properties": [], "propertiesWithHistory": []}
    return await client.post(f"{CONTACTS}/batch/read", json=body | more)


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer other"}])
async def test_a_wrong_or_missing_token_is_refused_in_hubspots_words(world, connect, header):
    async with connect(hubspot.build(world), headers=header) as client:
        answer = await client.get(CONTACTS)
    assert answer.status_code == 401
    assert answer.json()["category"] == "INVALID_AUTHENTICATION"
    assert answer.json()["correlationId"]


async def test_the_list_ends_and_holds_every_contact_once(client, rows):
    seen, after = [], None
    while True:
        query = {"limit": 40} | ({"after": after} if after else {})
        page = (await client.get(CONTACTS, params=query)).json()
        seen += [result["id"] for result in page["results"]]
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
    assert seen == [row.id for row in rows]


async def test_more_than_100_results_a_listed_page_are_refused(client):
    answer = await client.get(CONTACTS, params={"limit": 101})
    assert answer.status_code == 400
    assert answer.json()["category"] == "VALIDATION_ERROR"


async def test_only_asked_properties_come_and_three_always(client, rows):
    asked = {"properties": "phone,nonsense"}
    answer = (await client.get(f"{CONTACTS}/{rows[0].id}", params=asked)).json()
    assert set(answer["properties"]) == {"phone", "createdate", "hs_object_id", "lastmodifieddate"}
    assert answer["properties"]["hs_object_id"] == rows[0].id


async def test_an_empty_property_is_null(client, world, rows):
    world.crm_contacts.change(rows[0].id, phone=None)
    answer = (await client.get(f"{CONTACTS}/{rows[0].id}", params={"properties": "phone"})).json()
    assert answer["properties"]["phone"] is None


async def test_batch_read_names_the_missing_ids_and_says_207(client, rows):
    answer = await read(client, rows[0].id, "1", rows[1].id)
    assert answer.status_code == 207
    assert {result["id"] for result in answer.json()["results"]} == {rows[0].id, rows[1].id}
    [problem] = answer.json()["errors"]
    assert (problem["category"], problem["context"]["ids"]) == ("OBJECT_NOT_FOUND", ["1"])


async def test_batch_read_promises_no_order_and_no_duplicates(client, rows):
    asked = [row.id for row in rows[:20]]
    got = [result["id"] for result in (await read(client, *asked, asked[0])).json()["results"]]
    assert sorted(got, key=int) == asked
    assert got != asked


async def test_batch_read_takes_100_inputs_and_not_101(client):
    assert (await read(client, *map(str, range(100)))).status_code == 207
    refused = await read(client, *map(str, range(101)))
    assert refused.status_code == 400
    assert refused.json()["category"] == "VALIDATION_ERROR"


async def test_batch_read_wants_what_the_description_requires(client):
    answer = await client.post(f"{CONTACTS}/batch/read", json={"inputs": [{"id": "1"}]})
    assert answer.status_code == 400
    assert "properties" in answer.json()["message"]


async def test_batch_read_finds_by_email_without_regard_to_case(client, rows):
    row = next(row for row in rows if row.email)
    answer = await read(client, row.email.upper(), idProperty="email")
    assert [result["id"] for result in answer.json()["results"]] == [row.id]


async def test_an_id_property_that_is_not_unique_is_refused(client):
    answer = await read(client, "Ellison", idProperty="lastname")
    assert answer.status_code == 400


async def test_text_is_compared_without_case_but_in_wants_lower_case(client, rows):
    ellisons = {row.id for row in rows if row.lastname == "Ellison"}
    assert ellisons
    assert await matches(client, "lastname", "EQ", value="ELLISON") == ellisons
    assert await matches(client, "lastname", "IN", values=["ellison"]) == ellisons
    assert await matches(client, "lastname", "IN", values=["Ellison"]) == set()


async def test_negations_match_empty_properties(client, rows):
    others = {row.id for row in rows if row.company != "Harbour Dental"}
    assert await matches(client, "company", "NEQ", value="harbour dental") == others
    assert await matches(client, "company", "NOT_IN", values=["harbour dental"]) == others


async def test_presence_and_absence_split_the_contacts(client, rows):
    there = await matches(client, "phone", "HAS_PROPERTY")
    absent = await matches(client, "phone", "NOT_HAS_PROPERTY")
    assert there == {row.id for row in rows if row.phone}
    assert there | absent == {row.id for row in rows}
    assert not there & absent


async def test_tokens_take_wildcards(client, rows):
    at_example_org = {row.id for row in rows if (row.email or "").endswith("@example.org")}
    assert await matches(client, "email", "CONTAINS_TOKEN", value="*@example.org") == at_example_org
    others = await matches(client, "email", "NOT_CONTAINS_TOKEN", value="*@example.org")
    assert others == {row.id for row in rows} - at_example_org


async def test_an_address_among_several_is_a_token(client, world, rows):
    world.crm_contacts.change(rows[4].id, additional_emails=("a@example.com", "b@example.net"))
    for address in ("a@example.com", "B@example.net"):
        found = await matches(client, "hs_additional_emails", "CONTAINS_TOKEN", value=address)
        assert found == {rows[4].id}


async def test_numbers_and_dates_are_compared_as_such(client, rows):
    third = rows[2]
    assert await matches(client, "hs_object_id", "LTE", value=third.id) == {
        row.id for row in rows[:3]
    }
    since = str(int(third.created_at.timestamp() * 1_000))
    later = {row.id for row in rows if row.created_at >= third.created_at}
    assert await matches(client, "createdate", "GTE", value=since) == later
    assert await matches(client, "createdate", "GTE", value=third.created_at.isoformat()) == later
    assert await matches(client, "createdate", "BETWEEN", value=since, highValue=since) == {
        row.id for row in rows if row.created_at == third.created_at
    }
    assert await matches(client, "createdate", "GT", value=since) == later - {third.id}
    assert (
        await matches(client, "createdate", "LT", value=since) == {row.id for row in rows} - later
    )


@pytest.mark.parametrize(
    "written", ["+44 7700 900123", "07700 900 123", "+44 (0)7700 900123", "0044 7700 900123"]
)
async def test_a_telephone_is_found_by_its_local_number(client, world, rows, written):
    world.crm_contacts.change(rows[5].id, phone=None, mobilephone=written)
    found = await matches(
        client, "hs_searchable_calculated_mobile_number", "EQ", value="7700900123"
    )
    assert found == {rows[5].id}


async def test_groups_are_alternatives_of_conditions_that_all_hold(client, rows):
    groups = [
        {"filters": [{"propertyName": "hs_object_id", "operator": "EQ", "value": row.id}]}
        for row in rows[:2]
    ]
    contradiction = {"propertyName": "hs_object_id", "operator": "EQ", "value": rows[0].id}
    groups[1]["filters"].append(contradiction)
    body = await search(client, filterGroups=groups)
    assert [result["id"] for result in body["results"]] == [rows[0].id]


async def test_free_text_wants_every_word_somewhere(client, rows):
    margarets = {row.id for row in rows if (row.firstname, row.lastname) == ("Margaret", "Ellison")}
    body = await search(client, query="ellison marg", limit=200)
    assert {result["id"] for result in body["results"]} == margarets


@pytest.mark.parametrize(
    "sort",
    [
        "-lastmodifieddate",
        {"propertyName": "lastmodifieddate", "direction": "DESCENDING"},
        '{"propertyName": "lastmodifieddate", "direction": "DESCENDING"}',
    ],
)
async def test_a_sort_is_a_name_an_object_or_that_object_as_text(client, rows, sort):
    body = await search(client, sorts=[sort], limit=200)
    stamps = [result["properties"]["lastmodifieddate"] for result in body["results"]]
    assert len(stamps) == len(rows)
    assert stamps == sorted(stamps, reverse=True)


async def test_search_pages_end_and_count_everything(client, rows):
    seen, after = [], "0"
    while after is not None:
        body = await search(client, after=after, limit=25, sorts=["lastmodifieddate"])
        seen += [result["id"] for result in body["results"]]
        after = body.get("paging", {}).get("next", {}).get("after")
    assert len(seen) == len(set(seen)) == body["total"] == len(rows)


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 0},
        {"after": "9990", "limit": 20},
        {"after": "soon"},
        {"sorts": ["email", "phone"]},
        {"sorts": ["shoesize"]},
        {"sorts": ["{nonsense"]},
        {"filterGroups": [{"filters": []}] * 6},
        {
            "filterGroups": [
                {"filters": [{"propertyName": "email", "operator": "HAS_PROPERTY"}] * 7}
            ]
        },
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "LIKE"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "shoesize", "operator": "HAS_PROPERTY"}]}]},
        {"query": "x" * 3_000},
    ],
)
async def test_a_search_beyond_the_limits_is_refused(client, body):
    answer = await client.post(f"{CONTACTS}/search", json=body)
    assert answer.status_code == 400
    assert answer.json()["category"] == "VALIDATION_ERROR"


async def test_changed_since_sees_a_change_made_through_the_api(client, rows, clock):
    before = str(int(clock.now().timestamp() * 1_000))
    clock.advance(timedelta(seconds=5))
    assert await matches(client, "lastmodifieddate", "GT", value=before) == set()
    changed = await client.patch(
        f"{CONTACTS}/{rows[3].id}", json={"properties": {"email": "new@example.com"}}
    )
    assert changed.json()["properties"]["email"] == "new@example.com"
    assert await matches(client, "lastmodifieddate", "GT", value=before) == {rows[3].id}


async def test_a_contact_is_made_once_for_an_email(client):
    properties = {"email": "someone.new@example.com", "firstname": "Someone"}
    made = await client.post(CONTACTS, json={"properties": properties})
    assert made.status_code == 201
    again = await client.post(CONTACTS, json={"properties": properties})
    assert again.status_code == 409
    assert made.json()["id"] in again.json()["message"]


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"shoesize": "43"}, "PROPERTY_DOESNT_EXIST"),
        ({"hs_object_id": "1"}, "READ_ONLY_VALUE"),
        ({"email": "nonsense"}, "INVALID_EMAIL"),
    ],
)
async def test_a_property_that_cannot_be_written_is_named(client, properties, code):
    answer = await client.post(CONTACTS, json={"properties": properties})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == code


async def test_an_empty_text_clears_a_property(client, world, rows):
    await client.patch(f"{CONTACTS}/{rows[0].id}", json={"properties": {"phone": ""}})
    assert world.crm_contacts.get(rows[0].id).phone is None


async def test_another_contacts_email_cannot_be_taken(client, rows):
    holder = next(row for row in rows[1:] if row.email)
    answer = await client.patch(
        f"{CONTACTS}/{rows[0].id}", json={"properties": {"email": holder.email}}
    )
    assert answer.status_code == 409


async def test_an_archived_contact_leaves_reads_lists_and_searches(client, rows):
    gone = rows[0].id
    for _ in range(2):
        assert (await client.delete(f"{CONTACTS}/{gone}")).status_code == 204
    assert (await client.get(f"{CONTACTS}/{gone}")).status_code == 404
    assert (await read(client, gone)).status_code == 207
    assert await matches(client, "hs_object_id", "EQ", value=gone) == set()
    [kept] = (await client.get(CONTACTS, params={"archived": "true"})).json()["results"]
    assert (kept["id"], kept["archived"]) == (gone, True)
    assert kept["archivedAt"]


async def test_a_merge_makes_a_new_contact_that_both_old_ids_lead_to(client, rows):
    primary, other = [row for row in rows if row.email][:2]
    merged = await client.post(
        f"{CONTACTS}/merge",
        json={"primaryObjectId": primary.id, "objectIdToMerge": other.id},
    )
    new_id = merged.json()["id"]
    assert new_id not in (primary.id, other.id)
    assert merged.json()["properties"]["hs_merged_object_ids"] == f"{primary.id};{other.id}"
    assert merged.json()["properties"]["email"] == primary.email
    answer = await read(client, primary.id, other.id)
    assert [result["id"] for result in answer.json()["results"]] == [new_id]
    assert answer.status_code == 200
    assert (await client.get(f"{CONTACTS}/{other.id}")).json()["id"] == new_id
    assert await matches(client, "hs_object_id", "IN", values=[primary.id, other.id]) == set()
    by_email = await read(client, other.email, idProperty="email")
    assert [result["id"] for result in by_email.json()["results"]] == [new_id]


async def test_a_merged_contact_can_be_merged_again(client, rows):
    first, second, third = (row.id for row in rows[:3])
    body = {"primaryObjectId": first, "objectIdToMerge": second}
    once = (await client.post(f"{CONTACTS}/merge", json=body)).json()["id"]
    body = {"primaryObjectId": third, "objectIdToMerge": second}
    twice = (await client.post(f"{CONTACTS}/merge", json=body)).json()
    assert set(twice["properties"]["hs_merged_object_ids"].split(";")) == {
        first,
        second,
        third,
        once,
    }
    assert (await client.get(f"{CONTACTS}/{first}")).json()["id"] == twice["id"]


async def test_a_contact_cannot_be_merged_with_itself(client, rows):
    body = {"primaryObjectId": rows[0].id, "objectIdToMerge": rows[0].id}
    assert (await client.post(f"{CONTACTS}/merge", json=body)).status_code == 400


async def test_a_gdpr_delete_leaves_no_trace(client, rows):
    row = next(row for row in rows if row.email)
    body = {"objectId": row.email, "idProperty": "email"}
    assert (await client.post(f"{CONTACTS}/gdpr-delete", json=body)).status_code == 204
    for archived in ("false", "true"):
        answer = await client.get(f"{CONTACTS}/{row.id}", params={"archived": archived})
        assert answer.status_code == 404


async def test_rate_limit_headers_count_down_and_search_sends_none(client):
    first, second = [await client.get(CONTACTS, params={"limit": 1}) for _ in range(2)]
    left = [int(answer.headers["x-hubspot-ratelimit-remaining"]) for answer in (first, second)]
    assert left[0] - left[1] == 1
    answer = await client.post(f"{CONTACTS}/search", json={})
    assert "x-hubspot-ratelimit-remaining" not in answer.headers


async def test_the_burst_limit_refuses_until_its_window_is_over(world, connect, clock):
    app = hubspot.build(world, allowance=Allowance(requests=2, window_s=10))
    async with connect(app, headers=BEARER) as client:
        statuses = [(await client.get(CONTACTS)).status_code for _ in range(3)]
        refused = await client.get(CONTACTS)
        clock.advance(timedelta(seconds=10))
        later = await client.get(CONTACTS)
    assert statuses == [200, 200, 429]
    assert refused.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert refused.headers["retry-after"] == "10"
    assert later.status_code == 200


async def test_an_unknown_path_is_an_error_in_hubspots_form(client):
    answer = await client.get("/crm/v3/objects/spaceships")
    assert answer.status_code == 404
    assert answer.json()["status"] == "error"
