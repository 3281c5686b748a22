"""The queue of hints: leased, taken over, remembered, bounded."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import InboxFull
from domain.inbox import EntryState, Postponed, Unread
from domain.sources import ChangeKind, SourceEvent
from state.engine import open_state

LEASE_S = 60.0
STRIKES = 3


@pytest.fixture
def event(key):
    def build(event_id, external_id="1", *, source="crm", change=ChangeKind.CHANGED, **more):
        return SourceEvent(event_id=event_id, key=key(external_id, source), change=change, **more)

    return build


@pytest.fixture
def inbox(state):
    return state.inbox


def ids(claim):
    return sorted(entry.event_id for entry in claim.entries) if claim else []


async def claimed(inbox, limit=100, **how):
    return await inbox.claim(limit, LEASE_S, **how)


async def finish(inbox, claim):
    return await inbox.settle(claim, done=claim.entries, again=[], limit=STRIKES)


def later(entry, due_at, *, strike=False, reason="why"):
    return Postponed(
        source=entry.source, event_id=entry.event_id, due_at=due_at, reason=reason, strike=strike
    )


async def test_an_event_is_written_down_once_and_read_back_whole(inbox, event, at):
    told = event("e1", change=ChangeKind.MERGED, into="2", occurred_at=at(-1))
    first = await inbox.append([told, event("e2"), told])
    assert (first.accepted, first.duplicates) == (2, 1)
    again = await inbox.append([told, event("e1", source="shop")])
    assert (again.accepted, again.duplicates) == (1, 1)
    entries = (await claimed(inbox)).entries
    assert next(one.event for one in entries if one.source == "crm") == told
    assert len({one.handle for one in entries}) == 3


async def test_a_claim_is_one_workers_until_its_lease_ends(inbox, event, clock):
    await inbox.append([event("e1"), event("e2")])
    first = await claimed(inbox)
    assert ids(first) == ["e1", "e2"]
    assert await claimed(inbox) is None
    clock.advance(timedelta(seconds=LEASE_S))
    takeover = await claimed(inbox)
    assert ids(takeover) == ["e1", "e2"]
    assert [one.strikes for one in takeover.entries] == [1, 1]
    assert await finish(inbox, first) == 0
    assert (await inbox.figures()).waiting == 2, "they are somebody else's by now"
    await finish(inbox, takeover)
    assert (await inbox.figures()).waiting == 0


async def test_who_kills_its_worker_again_comes_alone(inbox, event, clock):
    await inbox.append([event("e1"), event("e2"), event("e3")])
    for _ in range(2):
        assert ids(await claimed(inbox)) == ["e1", "e2", "e3"]
        clock.advance(timedelta(seconds=LEASE_S))
    await inbox.append([event("e4")])
    assert [ids(await claimed(inbox)) for _ in range(4)] == [["e1"], ["e2"], ["e3"], ["e4"]]


async def test_a_claim_that_is_extended_is_not_taken_over(inbox, event, clock):
    await inbox.append([event("e1")])
    claim = await claimed(inbox)
    for _ in range(3):
        clock.advance(timedelta(seconds=LEASE_S - 1))
        await inbox.extend(claim, LEASE_S)
    assert await claimed(inbox) is None
    await finish(inbox, claim)
    await inbox.extend(claim, LEASE_S)
    assert (await inbox.figures()).waiting == 0


async def test_what_is_done_is_remembered_against_repetition(inbox, event, clock, at):
    await inbox.append([event("e1")])
    await finish(inbox, await claimed(inbox))
    clock.advance(timedelta(days=6))
    assert (await inbox.append([event("e1")])).duplicates == 1
    assert await inbox.tidy(clock.now() - timedelta(days=7), clock.now()) == 0
    clock.advance(timedelta(days=2))
    assert await inbox.tidy(clock.now() - timedelta(days=7), clock.now()) == 1
    assert (await inbox.append([event("e1")])).accepted == 1


async def test_what_is_postponed_waits_and_strikes_kill(inbox, event, clock, at):
    await inbox.append([event("e1")])
    for number in range(1, STRIKES + 1):
        claim = await claimed(inbox)
        (entry,) = claim.entries
        assert (entry.attempts, entry.strikes) == (number, number - 1)
        soon = clock.now() + timedelta(seconds=10)
        died = await inbox.settle(
            claim, done=[], again=[later(entry, soon, strike=True)], limit=STRIKES
        )
        assert died == (number == STRIKES)
        assert await claimed(inbox) is None
        clock.advance(timedelta(seconds=10))
    (dead,) = await inbox.entries(EntryState.DEAD, None, 10)
    assert (dead.reason, dead.event.event_id) == ("why", "e1")
    assert await claimed(inbox) is None
    assert await inbox.revive([dead]) == 1
    assert ids(await claimed(inbox)) == ["e1"]


async def test_waiting_for_a_source_is_no_strike(inbox, event, clock):
    await inbox.append([event("e1")])
    for _ in range(STRIKES * 2):
        claim = await claimed(inbox)
        postponed = later(claim.entries[0], clock.now() + timedelta(seconds=1))
        await inbox.settle(claim, done=[], again=[postponed], limit=STRIKES)
        clock.advance(timedelta(seconds=1))
    assert (await claimed(inbox)).entries[0].strikes == 0


async def test_a_source_can_be_left_out_of_a_claim(inbox, event):
    await inbox.append([event("e1"), event("e2", source="shop")])
    assert ids(await claimed(inbox, without={"crm"})) == ["e2"]
    assert ids(await claimed(inbox)) == ["e1"]


async def test_a_full_inbox_takes_nothing_and_keeps_what_it_has(state_url, event, clock):
    state = open_state(state_url, clock=clock, most_waiting=3)
    try:
        await state.inbox.append([event(f"e{n}") for n in range(3)])
        with pytest.raises(InboxFull) as full:
            await state.inbox.append([event("e4")])
        assert full.value.retry_after_s > 0
        assert (await state.inbox.figures()).waiting == 3
        await finish(state.inbox, await claimed(state.inbox, 1))
        assert (await state.inbox.append([event("e4")])).accepted == 1
    finally:
        await state.close()


async def test_what_nobody_could_read_is_dead_and_whole(inbox):
    unread = Unread(
        source="crm",
        event_id="unread/1",
        url="https://x/webhooks/crm",
        headers=(("x-topic", "a"),),
        body=b"\x00\xff{",
        reason="another form",
    )
    await inbox.keep_unread(unread)
    assert (await inbox.keep_unread(unread)).duplicates == 1
    (entry,) = await inbox.entries(None, None, 10)
    assert entry.unread == unread
    assert (await inbox.entry(entry.handle)).unread.body == unread.body
    assert await inbox.revive([entry]) == 0, "there is nothing in it that could be applied"
    await inbox.forget(entry)
    assert await inbox.entries(None, None, 10) == []


async def test_figures_say_how_much_waits_and_since_when(inbox, event, clock, at):
    await inbox.append([event("e1")])
    clock.advance(timedelta(minutes=5))
    await inbox.append([event("e2")])
    figures = await inbox.figures()
    assert (figures.waiting, figures.dead, figures.oldest) == (2, 0, at(0))


async def test_one_at_a_time_leads(inbox, clock):
    assert await inbox.lead("chores", "a", 30)
    assert await inbox.lead("chores", "a", 30)
    assert not await inbox.lead("chores", "b", 30)
    clock.advance(timedelta(seconds=30))
    assert await inbox.lead("chores", "b", 30)
    assert not await inbox.lead("chores", "a", 30)


async def test_workers_share_the_queue(inbox, event):
    await inbox.append([event(f"e{n}", str(n)) for n in range(60)])
    claims = await asyncio.gather(*(claimed(inbox, 20) for _ in range(3)))
    got = [one for claim in claims for one in ids(claim)]
    assert len(got) == len(set(got))
    while claim := await claimed(inbox):
        got += ids(claim)
    assert sorted(got) == sorted(f"e{n}" for n in range(60))


async def test_what_waits_outdates_nothing_that_is_remembered_of_people(inbox, event, state):
    """A worker writes here for every delivery; the process reads its people anew after a change."""
    before = state.changes()
    await inbox.append([event("1")])
    await finish(inbox, await claimed(inbox))
    assert await inbox.lead("chores", "me", 60)
    assert state.changes() == before
