"""Context and commitments in the graph: what is said cites what shows it, for a purpose, and to
whom it may be shown.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.context import Extract, Statement
from domain.errors import SourceUnavailable
from domain.ids import Kind, SourceKey
from domain.records import Actor, Visit
from domain.vocabulary import ActorKind, InteractionState
from resolvers.caller import ANY_CUSTOMER, STAFF, Caller
from state.engine import open_state

CONTEXT = """query context($purpose: String!, $issue: ID) {
  customer(by: {id: "cus_alice"}) {
    context(purpose: $purpose, issueId: $issue) {
      goal { text evidence by { kind id } }
      attempted { step outcome evidence }
      commitments { id what { text evidence } state dueAt madeBy { kind } fulfilledBy }
      openQuestion { text evidence confidence }
      frustration
      intentSignals { text }
      sensitivities { text evidence }
      resolutionHistory { id state }
      known { name value ageSeconds provenance { system { name } } }
      completeness
      sources { system { name } state }
    }
  }
}"""
COMMITMENTS = """query commitments($open: Boolean) {
  customer(by: {id: "cus_alice"}) { commitments(open: $open) { id state what { text } dueAt } }
}"""
RECORD = """mutation record($issue: ID!, $what: String!, $due: DateTime, $key: String!) {
  commitmentRecord(issue: $issue, what: $what, dueAt: $due, idempotencyKey: $key) {
    id userErrors { code field }
  }
}"""
FULFIL = """mutation fulfil($id: ID!, $evidence: ID!) {
  commitmentFulfil(id: $id, evidence: $evidence) { id userErrors { code field } }
}"""
ASK = """mutation ask($interaction: ID!, $slot: String!) {
  askRecord(interaction: $interaction, slot: $slot) {
    alreadyKnown { name value provenance { system { name } } }
    userErrors { code message field }
  }
}"""
ISSUES = 'query issues { customer(by: {id: "cus_alice"}) { issues { id interactions { id } } } }'
NODE = "query node($id: ID!) { node(id: $id) { id ... on Commitment { state } } }"
CUSTOMER = Actor(kind=ActorKind.CUSTOMER, id="alice", name="Alice Example")


@pytest.fixture
async def chat(world, fakes, told_events, sqlite_state):
    """A chat that stalled, over a real store of commitments."""
    world.events = told_events
    state = open_state(sqlite_state)
    services = world.services
    world.services = lambda: replace(services(), commitments=state.commitments)
    world.alice()
    one = world.conversation("i1", "c7", fakes.ago(days=2))
    said = [
        (CUSTOMER, "Hi, my kettle from order #1002 leaks. I restarted it, no luck."),
        (None, "Sorry! I'll send a new one by Sunday."),
        (CUSTOMER, "My mother has dementia and needs it. Do I have to return the old one?"),
        (None, "internal: she is a difficult one, I'll call her tomorrow."),
    ]
    for i, (author, text) in enumerate(said):
        more = {"author": author} if author else {}
        at = fakes.ago(days=2) + timedelta(minutes=i)
        world.message(one, f"n{i}", at, body=text, internal=text.startswith("internal"), **more)
    yield one
    await state.close()


def message(place):
    return SourceKey("chat", Kind.MESSAGE, f"c7/n{place}").node_id


async def context(run, purpose="SUPPORT", **more):
    result = await run(CONTEXT, purpose=purpose, **more)
    assert result.told == []
    return result.data["customer"]["context"]


async def issue_of(run, record):
    found = (await run(ISSUES)).data["customer"]["issues"]
    return next(one["id"] for one in found if {"id": record.id} in one["interactions"])


async def test_every_statement_cites_what_shows_it(chat, run):
    found = await context(run, issue=await issue_of(run, chat))
    assert found["goal"]["evidence"] == [message(0)]
    assert found["goal"]["by"] == {"kind": "POLICY", "id": "rules"}
    assert found["attempted"][0]["outcome"] == "FAILED"
    assert found["openQuestion"]["evidence"] == [message(2)]
    assert found["sensitivities"][0]["evidence"] == [message(2)]
    (promise, internal) = found["commitments"]
    assert {promise["state"], internal["state"]} == {"OVERDUE"}
    assert found["completeness"] == "COMPLETE"


async def test_a_context_without_an_issue_is_about_all_of_them(chat, run):
    found = await context(run)
    assert found["openQuestion"]["evidence"] == [message(2)]
    known = {one["name"]: one["value"] for one in found["known"]}
    assert known["name"] == "Alice Example"
    assert known["email"] == known["contact"] == "alice@example.com"
    names = [one["system"]["name"] for one in found["sources"]]
    assert names == ["crm", "shop", "desk", "chat"]


async def test_a_purpose_shows_no_more_than_it_needs(chat, run):
    found = await context(run, "resume")
    assert found["openQuestion"]["evidence"] == [message(2)]
    assert found["sensitivities"] is None
    assert found["frustration"] is None
    assert "email" not in {one["name"] for one in found["known"]}
    assert (await context(run, "SALES"))["attempted"] == []


async def test_a_purpose_nobody_knows_is_refused(chat, run):
    result = await run(CONTEXT, purpose="CURIOSITY")
    assert [code for _, code, _ in result.told] == ["BAD_REQUEST"]


async def test_an_issue_of_nobody_has_no_context(chat, run):
    assert await context(run, issue="issue_bm9uZQ") is None


async def test_internal_notes_are_no_evidence_for_who_is_not_staff(chat, world, run, fakes):
    outside = Caller(name="bot", scopes=fakes.EVERYTHING - {STAFF})
    found = await context(run, operation=world.operation(outside))
    assert [one["what"]["evidence"] for one in found["commitments"]] == [[message(1)]]


async def test_texts_are_masked_and_circumstances_left_out_without_the_scopes(chat, world, run):
    masked = Caller(name="masked", scopes=frozenset({ANY_CUSTOMER, STAFF}))
    found = await context(run, operation=world.operation(masked))
    assert found["goal"]["text"] == "***"
    assert found["goal"]["evidence"] == [message(0)]
    assert found["sensitivities"] is None
    assert {one["value"] for one in found["known"]} == {"***"}


async def test_a_dead_source_makes_the_context_partial(chat, world, run):
    world["desk"].broken[Kind.TICKET] = SourceUnavailable("desk", "down")
    result = await run(CONTEXT, purpose="SUPPORT")
    assert result.data["customer"]["context"]["completeness"] == "PARTIAL"
    assert {system for _, _, system in result.told} == {"desk"}


async def test_a_visit_without_consent_does_not_surface(chat, world, run, fakes):
    visit = Visit(
        key=SourceKey("crm", Kind.VISIT, "v1"),
        provenance=world.provenance("crm", "v1"),
        occurred_at=fakes.ago(hours=1),
        state=InteractionState.ENDED,
    )
    world.events.put(visit, SourceKey("crm", Kind.CONTACT, "h1"), reason="kettles")
    before = await context(run, "RESUME")
    assert before["openQuestion"] is not None
    assert visit.id not in str(before)


async def test_what_an_extractor_cannot_cite_is_not_shown(chat, world, run):
    rules = Actor(kind=ActorKind.AI, id="model")

    class Liar:
        async def extract(self, threads, now, deadline):
            return Extract(
                goal=Statement(text="invented", evidence=("message_bm9uZQ",), by=rules),
                open_question=Statement(text="uncited", evidence=(), by=rules),
            )

    services = world.services
    world.services = lambda: replace(services(), extractor=Liar())
    found = await context(run)
    assert (found["goal"], found["openQuestion"]) == (None, None)


async def test_a_commitment_is_recorded_once_found_by_its_id_and_kept(chat, run, fakes):
    issue = await issue_of(run, chat)
    wish = {"issue": issue, "what": "Refund the postage", "key": "k1"}
    wish["due"] = fakes.ago(hours=1).isoformat()
    first = (await run(RECORD, **wish)).data["commitmentRecord"]
    again = (await run(RECORD, **wish)).data["commitmentRecord"]
    assert first == again
    assert first["userErrors"] == []
    assert (await run(NODE, id=first["id"])).data["node"]["state"] == "OVERDUE"

    kept = {"id": first["id"], "evidence": message(1)}
    assert (await run(FULFIL, **kept)).data["commitmentFulfil"]["userErrors"] == []
    assert (await run(NODE, id=first["id"])).data["node"]["state"] == "KEPT"
    still_open = (await run(COMMITMENTS, open=True)).data["customer"]["commitments"]
    assert first["id"] not in {one["id"] for one in still_open}


async def test_a_key_used_for_something_else_is_refused(chat, run):
    issue = await issue_of(run, chat)
    await run(RECORD, issue=issue, what="Refund the postage", key="k1")
    other = await run(RECORD, issue=issue, what="Send flowers", key="k1")
    assert other.data["commitmentRecord"]["userErrors"][0]["code"] == "KEY_REUSED"


async def test_what_is_overdue_comes_first(chat, run):
    issue = await issue_of(run, chat)
    await run(RECORD, issue=issue, what="Write some day", key="k1")
    found = (await run(COMMITMENTS)).data["customer"]["commitments"]
    assert [one["state"] for one in found] == ["OVERDUE", "OVERDUE", "OPEN"]


async def test_a_promise_read_out_of_a_text_has_an_id_and_can_be_kept(chat, run):
    promise = (await run(COMMITMENTS)).data["customer"]["commitments"][0]
    assert (await run(NODE, id=promise["id"])).data["node"]["state"] == "OVERDUE"
    await run(FULFIL, id=promise["id"], evidence=message(1))
    assert (await run(NODE, id=promise["id"])).data["node"]["state"] == "KEPT"


async def test_evidence_of_somebody_else_keeps_nothing(chat, world, run):
    (promise, *_) = (await run(COMMITMENTS)).data["customer"]["commitments"]
    result = await run(FULFIL, id=promise["id"], evidence="message_c29tZQBib2R5LzE")
    (error,) = result.data["commitmentFulfil"]["userErrors"]
    assert (error["code"], error["field"]) == ("UNKNOWN_RECORD", ["evidence"])


async def test_what_is_known_is_handed_back_instead_of_asked(chat, world, run):
    result = await run(ASK, interaction=chat.id, slot="emailAddress")
    answer = result.data["askRecord"]
    assert answer["alreadyKnown"]["value"] == "alice@example.com"
    (error,) = answer["userErrors"]
    assert error["code"] == "ALREADY_KNOWN"
    assert answer["alreadyKnown"]["provenance"]["system"]["name"] in error["message"]
    assert world.telemetry.counted["questions_avoided"] == 1


async def test_a_question_nobody_can_answer_yet_is_kept_with_the_interaction(chat, world, run):
    appended = []

    async def append(told):
        appended.extend(told)

    world.events.append = append
    result = await run(ASK, interaction=chat.id, slot="serial number")
    assert result.data["askRecord"] == {"alreadyKnown": None, "userErrors": []}
    (told,) = appended
    assert (told.event.subject, told.event.data.slot) == (chat.key, "serial_number")
    assert world.telemetry.counted["questions"] == 1


async def test_who_may_not_read_anybody_records_nothing(chat, world, run):
    issue = await issue_of(run, chat)
    page = world.operation(Caller(name="page", scopes=frozenset()))
    result = await run(RECORD, operation=page, issue=issue, what="x", key="k")
    assert [code for _, code, _ in result.told] == ["FORBIDDEN"]
