"""A matter handed over in the graph: the packet, the stretch of who took over, and advice."""

from dataclasses import replace

import pytest

from domain.events import Tried
from domain.ids import Kind, SourceKey
from domain.money import Money
from domain.records import Actor, Call, Message
from domain.vocabulary import ActorKind, InteractionState, ServedFrom, TicketStatus
from resolvers.caller import ANY_CUSTOMER, Caller

BOT = Actor(kind=ActorKind.AI, id="bot")
PACKET = """
  id mode reason filledShare acknowledgement createdAt acceptedAt endedAt
  from { kind id } to { id }
  issue { id groupedBy escalationAdvice { escalate reasons } }
  stalledAt { step outcome evidence }
  doNotAsk { name value provenance { system { name } } }
  context { goal { text evidence } completeness known { name } }
  decision { name value weight }
"""
CREATE = f"""mutation create($input: HandoffInput!) {{
  handoffCreate(input: $input) {{ handoff {{ {PACKET} }} userErrors {{ code field }} }} }}"""
ACCEPT = f"""mutation accept($id: ID!) {{
  handoffAccept(id: $id) {{ handoff {{ {PACKET} }} userErrors {{ code field }} }} }}"""
END = f"""mutation end($id: ID!) {{
  handoffEnd(id: $id) {{ handoff {{ {PACKET} }} userErrors {{ code field }} }} }}"""
ISSUES = 'query issues { customer(by: {id: "cus_alice"}) { issues { id groupedBy } } }'


@pytest.fixture
async def matter(world, fakes, run, told_events, fixture_module):
    """A call about an order of 600 pounds in which a bot tried two steps in vain."""
    world.events = told_events
    world.handoffs = fixture_module("told").FakeHandoffs()
    world.alice()
    world.order("s1", "o9", fakes.ago(days=9), number="1042", total=Money(60_000, "GBP"))
    world.ticket("z1", "t9", fakes.ago(days=2), subject="#1042", status=TicketStatus.OPEN)
    at = fakes.ago(hours=3)
    key = SourceKey("crm", Kind.CALL, "k1")
    where = replace(world.provenance("crm", "k1"), served_from=ServedFrom.EVENT_STORE)
    said = Message(
        key=SourceKey("crm", Kind.MESSAGE, "k1/1"),
        provenance=where,
        at=at,
        author=Actor(kind=ActorKind.CUSTOMER, id="h1"),
        body="My espresso machine leaks. Where is my replacement?",
    )
    tried = [
        Tried(step=step, by=BOT, at=at, outcome="FAILED", evidence=(key.node_id,))
        for step in ("tighten the seal", "descale it")
    ]
    call = Call(key=key, provenance=where, occurred_at=at, state=InteractionState.IN_PROGRESS)
    world.events.put(
        call,
        SourceKey("crm", Kind.CONTACT, "h1"),
        order_number="1042",
        reason="leak",
        messages=(said,),
        attempts=tuple(tried),
        last_at=at,
    )
    found = (await run(ISSUES)).data["customer"]["issues"]
    return next(one["id"] for one in found if one["groupedBy"] == "order")


async def made(run, matter, **more):
    wish = {"issue": matter, "reason": "needs a person", "idempotencyKey": "k", **more}
    result = await run(CREATE, input=wish)
    assert result.told == []
    return result.data["handoffCreate"]


async def test_the_receiver_gets_all_that_is_known(matter, run):
    payload = await made(run, matter, mode="AUTO", to="team-2")
    handoff = payload["handoff"]
    assert payload["userErrors"] == []
    assert handoff["issue"]["id"] == matter
    assert (handoff["from"]["kind"], handoff["to"]["id"]) == ("AI", "team-2")
    assert handoff["stalledAt"]["step"] == "descale it"
    assert "“tighten the seal”; “descale it”" in handoff["acknowledgement"]
    assert {one["name"] for one in handoff["doNotAsk"]} >= {
        "name",
        "contact",
        "order_number",
        "reason",
    }
    assert handoff["filledShare"] == 1.0
    assert handoff["issue"]["escalationAdvice"] == {
        "escalate": True,
        "reasons": ["stalled twice", "high value"],
    }
    assert {one["name"]: one["value"] for one in handoff["decision"]}["stalled twice"] == 1.0


async def test_every_statement_of_the_packet_cites_its_evidence(matter, run):
    handoff = (await made(run, matter))["handoff"]
    assert handoff["context"]["goal"]["evidence"]
    assert handoff["stalledAt"]["evidence"]


async def test_the_same_key_is_one_handoff_and_another_wish_under_it_is_refused(matter, run):
    first, again = await made(run, matter), await made(run, matter)
    assert first["handoff"]["id"] == again["handoff"]["id"]
    other = await made(run, matter, reason="another")
    assert other["handoff"] is None
    assert [one["code"] for one in other["userErrors"]] == ["KEY_REUSED"]


async def test_the_stretch_of_the_receiver_has_a_start_and_an_end(matter, run, world, fakes):
    id = (await made(run, matter))["handoff"]["id"]
    accepted = (await run(ACCEPT, id=id)).data["handoffAccept"]["handoff"]
    assert accepted["to"]["id"] == "desk"
    assert accepted["acceptedAt"] is not None
    assert accepted["endedAt"] is None
    other = world.operation(Caller(name="late", scopes=fakes.EVERYTHING))
    late = (await run(ACCEPT, id=id, operation=other)).data["handoffAccept"]["handoff"]
    assert late["to"]["id"] == "desk", "who was faster has it"
    ended = (await run(END, id=id)).data["handoffEnd"]["handoff"]
    assert ended["endedAt"] is not None


async def test_a_handoff_is_found_by_its_id_by_who_may_read_anybody(matter, run, world):
    id = (await made(run, matter))["handoff"]["id"]
    query = "query one($id: ID!) { node(id: $id) { __typename id } }"
    assert (await run(query, id=id)).data["node"] == {"__typename": "HandoffPacket", "id": id}
    nobody = world.operation(Caller(name="page", scopes=frozenset()))
    assert (await run(query, id=id, operation=nobody)).data["node"] is None


async def test_words_are_masked_for_who_may_not_see_them(matter, run, world):
    id = (await made(run, matter))["handoff"]["id"]
    masked = world.operation(Caller(name="masked", scopes=frozenset({ANY_CUSTOMER})))
    handoff = (await run(ACCEPT, id=id, operation=masked)).data["handoffAccept"]["handoff"]
    assert "seal" not in str(handoff)
    assert "leaks" not in str(handoff)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"issue": "issue_nonsense"}, "UNKNOWN_RECORD"),
        ({"reason": " "}, "INVALID"),
        ({"idempotencyKey": ""}, "INVALID"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused_with_its_place(matter, run, wrong, code):
    payload = await made(run, matter, **wrong)
    assert payload["handoff"] is None
    assert [(one["code"], one["field"]) for one in payload["userErrors"]] == [
        (code, ["input", next(iter(wrong))])
    ]


async def test_nobody_accepts_a_handoff_that_is_none(matter, run):
    for query, name in ((ACCEPT, "handoffAccept"), (END, "handoffEnd")):
        payload = (await run(query, id="handoff_x")).data[name]
        assert [one["code"] for one in payload["userErrors"]] == ["UNKNOWN_RECORD"]
