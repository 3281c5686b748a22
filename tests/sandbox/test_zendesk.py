"""Zendesk Support as a client meets it."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from sandbox import zendesk
from sandbox.allowance import Allowance

BASIC = httpx.BasicAuth(f"{zendesk.EMAIL}/token", zendesk.TOKEN)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def client(world, connect):
    async with connect(zendesk.build(world), auth=BASIC) as opened:
        yield opened


@pytest.fixture
def users(world):
    rows = [row for row in world.ticket_users.live() if row.role == "end-user"]
    return sorted(rows, key=lambda row: int(row.id))


@pytest.fixture
def tickets(world):
    return sorted(world.tickets.live(), key=lambda row: int(row.id))


async def get(client, path, **query):
    answer = await client.get(f"/api/v2/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def searched(client, query, **more):
    return [hit["id"] for hit in (await get(client, "search", query=query, **more))["results"]]


def ids(rows):
    return {int(row.id) for row in rows}


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"auth": httpx.BasicAuth(zendesk.EMAIL, zendesk.TOKEN)},
        {"auth": httpx.BasicAuth(f"{zendesk.EMAIL}/token", "other")},
        {"headers": {"authorization": "Bearer other"}},
    ],
)
async def test_wrong_credentials_are_refused_in_zendesks_words(world, connect, credentials):
    async with connect(zendesk.build(world), **credentials) as client:
        answer = await client.get("/api/v2/users/me")
    assert answer.status_code == 401
    assert answer.json() == {"error": "Couldn't authenticate you"}


async def test_a_bearer_token_is_as_good_as_an_api_token(world, connect):
    bearer = {"authorization": f"Bearer {zendesk.TOKEN}"}
    async with connect(zendesk.build(world), headers=bearer) as client:
        assert (await get(client, "users/me"))["user"]["role"] == "admin"


async def test_a_path_may_end_in_json(client, users):
    path = f"users/{users[0].id}"
    assert await get(client, f"{path}.json") == await get(client, path)


@pytest.mark.parametrize(("kind", "fixture"), [("users", "users"), ("tickets", "tickets")])
async def test_show_many_leaves_the_missing_out_and_promises_no_order(
    client, request, kind, fixture
):
    rows = request.getfixturevalue(fixture)[:20]
    asked = [*(row.id for row in rows), "999999999", rows[0].id]
    got = [row["id"] for row in (await get(client, f"{kind}/show_many", ids=",".join(asked)))[kind]]
    assert sorted(got) == [int(row.id) for row in rows]
    assert got != [int(row.id) for row in rows]


@pytest.mark.parametrize(
    "path", ["users/show_many?ids=", "users/show_many?external_ids=", "tickets/show_many?ids="]
)
async def test_show_many_takes_100_ids_and_not_101(client, path):
    for count, status in ((100, 200), (101, 400)):
        many = ",".join(str(n) for n in range(1, count + 1))
        assert (await client.get(f"/api/v2/{path}{many}")).status_code == status


@pytest.mark.parametrize("given", ["", "1,two"])
async def test_ids_that_are_no_integers_are_refused(client, given):
    answer = await client.get("/api/v2/tickets/show_many", params={"ids": given})
    assert answer.status_code == 400
    assert answer.json()["error"]["title"] == "Invalid attribute"


async def test_users_are_found_by_external_ids(client, world, users):
    world.ticket_users.change(users[0].id, external_id="AC-1")
    world.ticket_users.change(users[1].id, external_id="AC-2")
    got = (await get(client, "users/show_many", external_ids="AC-1,AC-2,AC-3"))["users"]
    assert {row["id"] for row in got} == ids(users[:2])


async def test_several_requesters_are_alternatives(client, tickets):
    first, second = tickets[0].requester_id, tickets[-1].requester_id
    query = f"type:ticket requester:{first} requester:{second}"
    wanted = {row for row in tickets if row.requester_id in (first, second)}
    assert set(await searched(client, query)) == ids(wanted)


async def test_a_requester_may_be_an_email(client, world, tickets):
    requester = world.ticket_users.change(tickets[0].requester_id, email="only.me@example.com")
    wanted = {row for row in tickets if row.requester_id == requester.id}
    assert set(await searched(client, "type:ticket requester:only.me@example.com")) == ids(wanted)


async def test_different_properties_must_all_hold(client, tickets):
    subject = tickets[0]
    query = f"type:ticket requester:{subject.requester_id} status:{subject.status}"
    wanted = {
        row
        for row in tickets
        if row.requester_id == subject.requester_id and row.status == subject.status
    }
    assert set(await searched(client, query)) == ids(wanted)


@pytest.mark.parametrize(
    ("term", "holds"),
    [
        ("status<solved", lambda row: row.status in ("new", "open", "pending", "hold")),
        ("status>=solved", lambda row: row.status in ("solved", "closed")),
        ("-status:closed", lambda row: row.status != "closed"),
        ("status:open status:new", lambda row: row.status in ("open", "new")),
        ("priority>normal", lambda row: row.priority in ("high", "urgent")),
        ("priority:none", lambda row: row.priority is None),
        ("ticket_type:question", lambda row: row.kind == "question"),
        ("via:voice", lambda row: row.channel == "voice"),
        ("tags:warranty", lambda row: "warranty" in row.tags),
        ("assignee:none", lambda row: row.assignee_id is None),
        ('subject:"loses pressure"', lambda row: "loses pressure" in row.subject),
        ("descal*", lambda row: any("escal" in comment.body for comment in row.comments)),
    ],
)
async def test_a_term_means_what_the_search_reference_says(client, tickets, term, holds):
    wanted = {row for row in tickets if holds(row)}
    assert wanted
    assert set(await searched(client, f"type:ticket {term}")) == ids(wanted)


async def test_dates_are_days_or_moments_or_ages(client, tickets, clock):
    row = tickets[3]
    day, moment = f"{row.created_at:%Y-%m-%d}", f"{row.created_at:%Y-%m-%dT%H:%M:%SZ}"
    until = {other for other in tickets if other.created_at <= row.created_at}
    assert set(await searched(client, f"type:ticket created<={moment}")) == ids(until)
    before = {other for other in tickets if other.created_at < row.created_at}
    assert set(await searched(client, f"type:ticket created<{moment}")) == ids(before)
    same_day = {other for other in tickets if other.created_at.date() == row.created_at.date()}
    assert set(await searched(client, f"type:ticket created:{day}")) == ids(same_day)
    lately = {other for other in tickets if other.updated_at >= clock.now() - timedelta(days=7)}
    assert set(await searched(client, "type:ticket updated>7days")) == ids(lately)


async def test_a_number_alone_finds_the_ticket(client, tickets):
    assert int(tickets[0].id) in await searched(client, f"type:ticket {tickets[0].id}")


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ("07700 900 123", "phone:07700900123"),
        ("+44 (0)7700 900123", "phone:*7700900123"),
        ("(07700) 900123", "phone:*7700900123"),
        ("(07700) 900123", 'phone:"07700 900 123"'),
        ("07700900123", 'phone:"+44 7700 900123" phone:*7700900123'),
    ],
)
async def test_a_user_is_found_by_telephone(client, world, users, held, asked):
    for row in users:
        world.ticket_users.change(row.id, phone=None, other_phones=())
    world.ticket_users.change(users[2].id, other_phones=(held,))
    assert await searched(client, f"type:user {asked}") == [int(users[2].id)]


async def test_a_user_is_found_by_any_of_their_emails(client, world, users):
    world.ticket_users.change(users[2].id, other_emails=("second@example.com",))
    for query in ("type:user email:SECOND@example.com", "type:user second@example.com"):
        assert await searched(client, query) == [int(users[2].id)]


async def test_users_search_takes_words_and_the_search_language(client, users):
    ellisons = ids(row for row in users if row.name.endswith("Ellison"))
    for query in ("ellison", "name:ellison", '"ellison" role:end-user'):
        found = (await get(client, "users/search", query=query))["users"]
        assert {row["id"] for row in found} == ellisons


async def test_users_search_by_external_id_takes_it_literally(client, world, users):
    world.ticket_users.change(users[0].id, external_id="AC:1 2")
    found = (await get(client, "users/search", external_id="AC:1 2"))["users"]
    assert [row["id"] for row in found] == [int(users[0].id)]


async def test_without_a_type_both_kinds_are_found(client):
    body = await get(client, "search", query="created>2000-01-01")
    assert {hit["result_type"] for hit in body["results"]} == {"ticket", "user"}


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("field", ["created_at", "updated_at"])
async def test_results_are_sorted_as_asked(client, tickets, field, order):
    got = await searched(client, "type:ticket created>2000-01-01", sort_by=field, sort_order=order)
    wanted = sorted(tickets, key=lambda row: (getattr(row, field), int(row.id)))
    expected = [int(row.id) for row in wanted]
    assert got == (expected if order == "asc" else expected[::-1])[:100]


async def test_search_pages_end_and_hold_every_hit_once(client, tickets):
    seen, url = [], "/api/v2/search?query=type:ticket&per_page=7&sort_by=created_at"
    while url:
        page = (await client.get(url)).json()
        assert page["count"] == len(tickets)
        seen += [hit["id"] for hit in page["results"]]
        url = page["next_page"]
    assert len(seen) == len(set(seen)) == len(tickets)


async def test_search_gives_a_thousand_results_at_most(client):
    answer = await client.get("/api/v2/search", params={"query": "type:ticket", "page": 11})
    assert answer.status_code == 422
    assert answer.json()["error"] == "invalid"
    assert "Search Response Limits" in answer.json()["description"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"query": "type:ticket colour:red"}, 422),
        ({"query": "type:ticket created>soon"}, 422),
        ({"query": "type:ticket", "sort_by": "colour"}, 422),
        ({"query": "type:ticket", "page[size]": "10"}, 400),
        ({"query": "type:ticket", "page": "x"}, 400),
        ({}, 400),
    ],
)
async def test_a_search_that_makes_no_sense_is_refused(client, query, status):
    assert (await client.get("/api/v2/search", params=query)).status_code == status


async def test_the_search_export_walks_everything_of_one_type(client, tickets):
    query = {"query": "created>2000-01-01", "filter[type]": "ticket", "page[size]": 11}
    seen = []
    while True:
        page = await get(client, "search/export", **query)
        seen += [hit["id"] for hit in page["results"]]
        if not page["meta"]["has_more"]:
            break
        query["page[after]"] = page["meta"]["after_cursor"]
    assert sorted(seen) == [int(row.id) for row in tickets]
    untyped = await client.get("/api/v2/search/export", params={"query": "x"})
    assert untyped.status_code == 400


async def test_count_counts_what_search_finds(client, tickets):
    assert await get(client, "search/count", query="type:ticket") == {"count": len(tickets)}


async def test_comments_are_oldest_first_with_their_people(client, world, tickets):
    row = next(row for row in tickets if any(not comment.public for comment in row.comments))
    body = await get(client, f"tickets/{row.id}/comments", include="users")
    assert [comment["id"] for comment in body["comments"]] == [int(c.id) for c in row.comments]
    assert [comment["public"] for comment in body["comments"]] == [c.public for c in row.comments]
    assert {user["id"] for user in body["users"]} == {int(c.author_id) for c in row.comments}


@pytest.mark.parametrize("first", [{"per_page": 2}, {"page[size]": 2}])
async def test_comments_page_to_the_end_either_way(client, tickets, first):
    row = max(tickets, key=lambda row: len(row.comments))
    seen, url = [], f"/api/v2/tickets/{row.id}/comments"
    answer = (await client.get(url, params=first)).json()
    while True:
        seen += [comment["id"] for comment in answer["comments"]]
        url = answer.get("next_page") or answer.get("links", {}).get("next")
        if not url:
            break
        answer = (await client.get(url)).json()
    assert seen == [int(comment.id) for comment in row.comments]
    assert len(seen) > 2


async def test_comments_can_be_turned_round(client, tickets):
    row = max(tickets, key=lambda row: len(row.comments))
    path = f"tickets/{row.id}/comments"
    forward = (await get(client, path))["comments"]
    assert (await get(client, path, sort_order="desc"))["comments"] == forward[::-1]
    newest = await get(client, path, **{"page[size]": 100, "sort": "-created_at"})
    assert newest["comments"] == forward[::-1]


async def test_a_call_is_a_voice_comment_with_its_length(client, tickets):
    row = next(row for row in tickets if row.channel == "voice")
    first = (await get(client, f"tickets/{row.id}/comments"))["comments"][0]
    assert (first["type"], first["via"]["channel"]) == ("VoiceComment", "voice")
    assert first["data"]["call_duration"] == row.comments[0].call_seconds


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"page": "101"}, "InvalidPaginationDepth"),
        ({"page[size]": "101"}, "InvalidPaginationParameter"),
        ({"page[size]": "2", "page[after]": "nonsense"}, "InvalidPaginationParameter"),
    ],
)
async def test_paging_beyond_the_limits_is_refused(client, query, code):
    answer = await client.get("/api/v2/users", params=query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == code


async def test_more_than_100_a_page_counts_as_100(client, world):
    first = next(world.ticket_users.live())
    for n in range(120):
        await client.post(
            "/api/v2/users/create_or_update",
            json={"user": {"name": f"New {n}", "email": f"new{n}@example.com"}},
        )
    assert len((await get(client, "users", per_page=500))["users"]) == 100
    assert (await get(client, "users", per_page=1))["users"][0]["id"] == int(first.id)


async def test_identities_hold_every_address_and_number(client, world, users):
    row = world.ticket_users.change(
        users[0].id,
        email="a@example.com",
        phone="+447700900111",
        other_emails=("b@example.com",),
        other_phones=(),
    )
    held = (await get(client, f"users/{row.id}/identities"))["identities"]
    assert [(one["type"], one["value"], one["primary"]) for one in held] == [
        ("email", "a@example.com", True),
        ("email", "b@example.com", False),
        ("phone_number", "+447700900111", True),
    ]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("users/show_many", {"ids": "{id}"}),
        ("users/search", {"query": "{id}"}),
        ("users", {"per_page": 100}),
        ("incremental/users/cursor", {"start_time": 1}),
    ],
)
async def test_identities_can_be_loaded_beside_users(client, users, path, query):
    row = users[0]
    asked = {name: str(value).format(id=row.id) for name, value in query.items()}
    if path == "users/search":
        asked["query"] = f'"{row.name}"'
    assert "identities" not in await get(client, path, **asked)
    body = await get(client, path, **asked, include="identities")
    mine = {one["value"] for one in body["identities"] if one["user_id"] == int(row.id)}
    assert mine == {row.email, row.phone, *row.other_emails} - {None}
    assert {one["user_id"] for one in body["identities"]} <= {user["id"] for user in body["users"]}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("tickets/show_many", {"ids": "1,2", "include": "users"}),
        ("tickets", {"include": "users"}),
        ("incremental/tickets/cursor", {"start_time": 1, "include": "users"}),
        ("search", {"query": "type:ticket created>2000-01-01", "include": "tickets(users)"}),
    ],
)
async def test_people_can_be_loaded_beside_tickets(client, path, query):
    body = await get(client, path, **query)
    rows = body.get("tickets") or body["results"]
    named = {row[role] for row in rows for role in ("requester_id", "assignee_id")} - {None}
    assert {user["id"] for user in body["users"]} == named
    del query["include"]
    assert "users" not in await get(client, path, **query)


async def exported(client, kind, **query):
    seen = []
    while True:
        page = await get(client, f"incremental/{kind}/cursor", **query)
        seen += page[kind]
        query = {"cursor": page["after_cursor"]} | (
            {"per_page": query["per_page"]} if "per_page" in query else {}
        )
        if page["end_of_stream"]:
            return seen, page["after_cursor"]


@pytest.mark.parametrize("kind", ["users", "tickets"])
async def test_the_incremental_export_walks_everything_in_order_of_change(client, world, kind):
    seen, _ = await exported(client, kind, start_time=0, per_page=13)
    table = world.ticket_users if kind == "users" else world.tickets
    assert len({row["id"] for row in seen}) == len(seen) == len(table)
    assert [row["updated_at"] for row in seen] == sorted(row["updated_at"] for row in seen)


async def test_a_cursor_gives_only_what_changed_after_it(client, tickets, clock):
    clock.advance(2 * MINUTE)
    _, cursor = await exported(client, "tickets", start_time=0)
    quiet = await get(client, "incremental/tickets/cursor", cursor=cursor)
    assert (quiet["tickets"], quiet["end_of_stream"], quiet["after_cursor"]) == ([], True, cursor)
    changed = next(row for row in tickets if row.status != "closed")
    await client.put(f"/api/v2/tickets/{changed.id}", json={"ticket": {"status": "solved"}})
    held_back = await get(client, "incremental/tickets/cursor", cursor=cursor)
    assert held_back["tickets"] == []
    clock.advance(MINUTE)
    later = await get(client, "incremental/tickets/cursor", cursor=cursor)
    assert [(row["id"], row["status"]) for row in later["tickets"]] == [(int(changed.id), "solved")]


async def test_the_after_url_leads_to_the_next_page(client):
    first = await get(client, "incremental/users/cursor", start_time=0, per_page=5)
    query = dict(parse_qsl(urlsplit(first["after_url"]).query))
    assert "start_time" not in query
    second = (await client.get(first["after_url"])).json()
    assert not {row["id"] for row in first["users"]} & {row["id"] for row in second["users"]}


@pytest.mark.parametrize(
    ("query", "status"),
    [({}, 400), ({"start_time": "x"}, 400), ({"cursor": "x"}, 400), ({"cursor": "MS4w"}, 400)],
)
async def test_an_export_needs_a_start_or_a_cursor_of_its_own(client, query, status):
    answer = await client.get("/api/v2/incremental/users/cursor", params=query)
    assert answer.status_code == status


async def test_a_start_time_must_be_a_minute_old(client, clock):
    path = "/api/v2/incremental/tickets/cursor"
    start = int(clock.now().timestamp()) - 59
    answer = await client.get(path, params={"start_time": start})
    assert answer.status_code == 422
    assert "Too recent start_time" in answer.json()["description"]
    assert (await client.get(path, params={"start_time": start - 1})).status_code == 200


async def test_deletions_show_in_exports_and_nowhere_else(client, world, tickets, users, clock):
    gone, left = tickets[0], users[0]
    world.tickets.remove(gone.id)
    world.ticket_users.remove(left.id)
    clock.advance(MINUTE)
    assert (await client.get(f"/api/v2/tickets/{gone.id}")).status_code == 404
    assert (await get(client, "tickets/show_many", ids=gone.id))["tickets"] == []
    assert int(gone.id) not in await searched(client, f"type:ticket {gone.id}")
    seen, _ = await exported(client, "tickets", start_time=0)
    assert [row["status"] for row in seen if row["id"] == int(gone.id)] == ["deleted"]
    kept = await get(client, "incremental/tickets/cursor", start_time=0, exclude_deleted="true")
    assert int(gone.id) not in {row["id"] for row in kept["tickets"]}
    seen, _ = await exported(client, "users", start_time=0)
    assert [row["active"] for row in seen if row["id"] == int(left.id)] == [False]


async def test_exports_have_a_limit_of_their_own(world, connect, clock):
    app = zendesk.build(world, export_allowance=Allowance(requests=1, window_s=60))
    path = "/api/v2/incremental/users/cursor?start_time=0"
    async with connect(app, auth=BASIC) as client:
        assert (await client.get(path)).status_code == 200
        refused = await client.get(path)
        assert (await client.get("/api/v2/users/me")).status_code == 200
    assert refused.status_code == 429
    assert refused.json()["error"] == "APIRateLimitExceeded"
    assert refused.headers["retry-after"] == "60"


async def test_the_account_limit_counts_down_and_refuses(world, connect, clock):
    app = zendesk.build(world, allowance=Allowance(requests=2, window_s=60))
    async with connect(app, auth=BASIC) as client:
        answers = [await client.get("/api/v2/users/me") for _ in range(3)]
        clock.advance(MINUTE)
        later = await client.get("/api/v2/users/me")
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-rate-limit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[0].headers["ratelimit-reset"] == "60"
    assert later.status_code == 200


async def test_a_comment_is_added_by_updating_its_ticket(client, world, tickets, clock):
    row = next(row for row in tickets if row.status == "open")
    clock.advance(MINUTE)
    update = {"comment": {"body": "Only for us", "public": False}, "priority": "urgent"}
    answer = await client.put(f"/api/v2/tickets/{row.id}", json={"ticket": update})
    assert answer.json()["ticket"]["priority"] == "urgent"
    assert {event["type"] for event in answer.json()["audit"]["events"]} == {"Change", "Comment"}
    last = (await get(client, f"tickets/{row.id}/comments"))["comments"][-1]
    assert (last["body"], last["public"]) == ("Only for us", False)
    assert world.tickets.get(row.id).updated_at == clock.now()


async def test_a_closed_ticket_stays_as_it_is(client, tickets):
    row = next(row for row in tickets if row.status == "closed")
    answer = await client.put(f"/api/v2/tickets/{row.id}", json={"ticket": {"status": "open"}})
    assert answer.status_code == 422
    assert "status" in answer.json()["details"]


async def test_a_ticket_is_made_for_a_new_requester(client):
    body = {
        "subject": "Hello",
        "comment": {"body": "First words"},
        "requester": {"name": "Nova Person", "email": "nova@example.com"},
    }
    made = (await client.post("/api/v2/tickets", json={"ticket": body})).json()["ticket"]
    assert (made["status"], made["description"]) == ("new", "First words")
    assert await searched(client, "type:ticket requester:nova@example.com") == [made["id"]]
    again = (await client.post("/api/v2/tickets", json={"ticket": body})).json()["ticket"]
    assert again["requester_id"] == made["requester_id"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "tickets", {"ticket": {"subject": "No words"}}, 422),
        ("POST", "tickets", {"ticket": {"comment": {"body": "x"}, "requester_id": 5}}, 422),
        ("POST", "tickets", {"ticket": {"comment": {"body": "x"}, "status": "done"}}, 400),
        ("POST", "tickets", ["no object"], 400),
        ("PUT", "tickets/999999", {"ticket": {"status": "open"}}, 404),
        ("PUT", "tickets/one", {"ticket": {"status": "open"}}, 400),
        ("POST", "users/create_or_update", {"user": {"email": "x@example.com"}}, 422),
        ("PUT", "users/999999", {"user": {"name": "X"}}, 404),
        ("GET", "users/999999", None, 404),
        ("GET", "spaceships", None, 404),
    ],
)
async def test_a_write_that_makes_no_sense_is_refused(client, method, path, body, status):
    answer = await client.request(method, f"/api/v2/{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


async def test_a_user_is_created_once_and_then_updated(client, users):
    path = "/api/v2/users/create_or_update"
    body = {"user": {"name": "Nova Person", "email": "nova@example.com"}}
    made = await client.post(path, json=body)
    again = await client.post(path, json={"user": body["user"] | {"phone": "+447700900999"}})
    assert (made.status_code, again.status_code) == (201, 200)
    assert again.json()["user"]["id"] == made.json()["user"]["id"]
    assert again.json()["user"]["phone"] == "+447700900999"
    holder = next(row for row in users if row.email)
    taken = await client.put(
        f"/api/v2/users/{made.json()['user']['id']}", json={"user": {"email": holder.email}}
    )
    assert taken.status_code == 422


async def test_a_field_given_as_null_is_cleared(client, world, users):
    row = world.ticket_users.change(users[0].id, phone="+447700900111")
    await client.put(f"/api/v2/users/{row.id}", json={"user": {"phone": None}})
    assert world.ticket_users.get(row.id).phone is None
