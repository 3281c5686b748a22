"""Events, what they come to, and the log of them, on both databases."""

import asyncio
import os
import shutil
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from domain.events import Activity, EventData, EventType, InteractionEvent, Told
from domain.ids import Kind, SourceKey
from domain.provenance import System
from domain.records import Actor
from domain.sources import Position
from domain.vocabulary import ActivityKind, ActorKind, Channel, InteractionState, SystemKind
from journey.folding import folding
from state.engine import open_state

FOLD = folding({"chat": System(name="chat", kind=SystemKind.CHAT, connector="events")})
CUSTOMER = Actor(kind=ActorKind.CUSTOMER, id="c")
ANNA = SourceKey("crm", Kind.CONTACT, "anna")
BEA = SourceKey("chat", Kind.CONTACT, "bea")


@pytest.fixture
def store(state):
    return state.events(FOLD)


@pytest.fixture
def told(at):
    """An event of conversation `thread`, `minute` minutes after noon."""

    def build(
        type_, minute, *, thread="1", contacts=(), event_id=None, kind=Kind.CONVERSATION, **data
    ):
        event = InteractionEvent(
            system="chat",
            event_id=event_id or f"{thread}/{type_}/{minute}",
            type=EventType(type_),
            occurred_at=at(minute),
            subject=SourceKey("chat", kind, thread),
            data=EventData(**data),
        )
        return Told(event=event, contacts=tuple(contacts))

    return build


def chat(thread):
    return SourceKey("chat", Kind.CONVERSATION, thread)


async def test_an_event_is_kept_once(store, told):
    one = told("interaction.started", 0, contacts=[ANNA])
    first = await store.append([one, one])
    again = await store.append([one])
    assert (len(first.accepted), first.duplicates) == (1, 1)
    assert (again.accepted, again.duplicates, again.activities) == ((), 1, ())
    assert await store.head() == 1


async def test_what_events_come_to_is_read_with_messages_and_people(store, told):
    text = told("message.created", 1, message_id="m", actor=CUSTOMER, text="hello", contacts=[BEA])
    await store.append([text])
    await store.append([told("interaction.started", 0, contacts=[ANNA], order_number="7")])
    (one, missing) = await store.interactions([chat("1"), chat("2")])
    assert missing is None
    assert [message.body for message in one.messages] == ["hello"]
    assert (one.order_number, one.contacts) == ("7", (BEA, ANNA))
    assert one.record.state is InteractionState.IN_PROGRESS


async def test_an_interaction_keeps_the_kind_under_which_it_was_first_told_of(store, told):
    await store.append([told("interaction.started", 0, kind=Kind.CALL, contacts=[ANNA])])
    noted = await store.append([told("message.created", 1, text="hm", contacts=[ANNA])])
    call = SourceKey("chat", Kind.CALL, "1")
    assert [event.subject for event in noted.accepted] == [call]
    assert [one.key for one in await store.of_contacts([ANNA], first=9)] == [call]
    assert (await store.interactions([chat("1")])) == [None]


async def test_interactions_of_people_come_newest_first_and_page_by_page(store, told):
    for n in range(7):
        begun = told("interaction.started", n // 2, thread=str(n), contacts=[ANNA, BEA])
        await store.append([begun])
    await store.append([told("interaction.started", 9, thread="other")])
    seen, after = [], None
    while page := await store.of_contacts([ANNA, BEA], first=2, after=after):
        seen += [one.key.external_id for one in page]
        last = page[-1].record
        after = Position(last.occurred_at, last.key.external_id)
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    assert page == []


async def test_only_what_goes_on_is_active(store, told, at, clock):
    await store.append(
        [
            told("interaction.started", 0, thread="open", contacts=[ANNA], lease_seconds=3600),
            told("interaction.started", 0, thread="left", contacts=[ANNA], lease_seconds=60),
            told("interaction.started", 0, thread="over", contacts=[ANNA]),
            told("interaction.ended", 5, thread="over"),
        ]
    )

    async def active(minute):
        clock.set(at(minute))
        found = await store.of_contacts([ANNA], first=9, active_at=at(minute))
        return {one.key.external_id for one in found}

    assert await active(0.5) == {"open", "left", "over"}
    assert await active(2) == {"open", "over"}
    assert await active(10) == {"open"}
    (left,) = await store.interactions([chat("left")])
    assert left.record.state is InteractionState.ENDED


async def test_the_log_tells_every_event_in_order_and_around_whom(store, told, at):
    await store.append([told("interaction.started", 0, contacts=[ANNA])])
    await store.append([told("visit.recorded", 1, thread="v", kind=Kind.VISIT, contacts=[BEA])])
    await store.append([told("message.created", 2, text="x")])
    order = Activity(
        sequence=0,
        kind=ActivityKind.ORDER_CHANGED,
        at=at(3),
        item=SourceKey("shop", Kind.ORDER, "9"),
        contacts=(ANNA,),
    )
    (kept,) = await store.note([order])
    assert kept == replace(order, sequence=4)
    whole = await store.activities(0, 100)
    assert [(one.sequence, one.kind) for one in whole] == [
        (1, ActivityKind.STARTED),
        (2, ActivityKind.STARTED),
        (3, ActivityKind.MESSAGE),
        (4, ActivityKind.ORDER_CHANGED),
    ]
    assert whole[2].contacts == (ANNA,)
    assert whole[0].channel is Channel.WEB_CHAT
    assert [one.sequence for one in await store.activities(1, 1, [ANNA, BEA])] == [2]
    assert [one.sequence for one in await store.activities(1, 9, [ANNA])] == [3, 4]
    assert await store.activities(4, 9) == []


async def test_of_deletions_alone_nothing_is_shown_until_there_is_something(store, told):
    await store.append([told("message.deleted", 1, message_id="m", contacts=[ANNA])])
    assert await store.interactions([chat("1")]) == [None]
    assert await store.of_contacts([ANNA], first=9) == []
    await store.append([told("message.created", 0, message_id="m", text="gone")])
    (one,) = await store.of_contacts([ANNA], first=9)
    assert one.messages is None
    assert one.record.last_message is None


async def test_names_no_database_could_hold_are_held(store, told):
    odd = "a\0\ud800" + "x" * 5_000
    await store.append([told("message.created", 0, thread=odd, text=odd, contacts=[ANNA])])
    await store.append([told("message.created", 0, thread=odd, text=odd, contacts=[ANNA])])
    (one,) = await store.of_contacts([ANNA], first=9)
    assert await store.head() == 1
    assert len((await store.interactions([one.key]))[0].messages) == 1


async def test_writers_at_once_leave_no_gap_and_never_go_back(state_url, state, told):
    """A reader that follows the log while several write sees each entry once: whatever becomes
    readable comes after what could be read.
    """
    stores = [open_state(state_url) for _ in range(3)]
    reader, seen = state.events(FOLD), []
    writing = True

    async def write(n, store):
        for i in range(8):
            await store.append([told("message.created", i, thread=f"{n}", text="x")])

    async def follow():
        while writing or (seen[-1] if seen else 0) < await reader.head():
            seen.extend(one.sequence for one in await reader.activities(max(seen, default=0), 5))
            await asyncio.sleep(0)

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(n, one.events(FOLD)) for n, one in enumerate(stores)))
    writing = False
    await following
    assert seen == list(range(1, 25))
    for one in stores:
        await one.close()


# ---------------------------------------------------------------- the storm


def storm(at, count, seed=11):
    """About that many events of many conversations, clean and in order."""
    dice, events = Random(seed), []
    for thread in range(count // 10):
        start = dice.uniform(0, 10_000)
        for i in range(10):
            kind = _KINDS[i]
            data = {"actor": CUSTOMER, "text": f"word {i} of {thread}"} if i in _SPOKEN else {}
            if i in _SPOKEN or i == 7:
                data["message_id"] = f"m{2 if i in (5, 7) else i}"
            event = InteractionEvent(
                system="chat",
                event_id=f"{thread}-{i}",
                type=EventType(kind),
                occurred_at=at(start + i),
                sequence=i if thread % 2 else None,
                subject=SourceKey("chat", Kind.CONVERSATION, str(thread)),
                data=EventData(**data),
            )
            contact = SourceKey("chat", Kind.CONTACT, str(thread % 500))
            events.append(Told(event=event, contacts=(contact,) if i % 3 == 0 else ()))
    events.sort(key=lambda one: (one.event.occurred_at, one.event.event_id))
    return events


_KINDS = (
    "interaction.started", "message.created", "message.created", "question.asked",
    "message.created", "message.updated", "step.attempted", "message.deleted",
    "interaction.transferred", "interaction.ended",
)  # fmt: skip
_SPOKEN = {1, 2, 4, 5}


def disturbed(clean, seed=5):
    """10 % of them twice, 10 % elsewhere."""
    dice = Random(seed)
    events = [*clean, *dice.sample(clean, len(clean) // 10)]
    moved = dice.sample(range(len(events)), len(events) // 10)
    shuffled = moved[:]
    dice.shuffle(shuffled)
    taken = [events[i] for i in shuffled]
    for place, one in zip(moved, taken, strict=True):
        events[place] = one
    return events


async def replay(store, events, batch=500):
    duplicates = 0
    for first in range(0, len(events), batch):
        noted = await store.append(events[first : first + batch])
        duplicates += noted.duplicates
    return duplicates


async def test_a_replay_with_repetitions_and_disorder_ends_as_the_clean_run(
    migrated, tmp_path, at, clock
):
    count = int(os.environ.get("KNOWNAS_REPLAY_EVENTS", "2000"))
    clock.set(at(0) + timedelta(days=30))
    clean = storm(at, count)
    ends = []
    for name, events in (("clean", clean), ("storm", disturbed(clean))):
        own = shutil.copy(migrated, tmp_path / f"{name}.db")
        state = open_state(f"sqlite:///{own}", clock=clock)
        store = state.events(FOLD)
        duplicates = await replay(store, events)
        assert duplicates == len(events) - count
        keys = sorted({one.event.subject for one in clean})
        everything = await store.interactions(keys)
        around = [SourceKey("chat", Kind.CONTACT, str(n)) for n in range(3)]
        ends.append((everything, await store.of_contacts(around, first=1_000)))
        assert await store.head() == count
        log = [
            one for start in range(0, count, 5_000) for one in await store.activities(start, 5_000)
        ]
        assert [one.sequence for one in log] == list(range(1, count + 1))
        await state.close()
    assert ends[0] == ends[1]
    assert all(one is not None for one in ends[0][0])
