"""What was claimed of people, and what visitors agreed to, on both databases."""

import pytest

from domain.customer import KeyKind, LookupKey
from domain.events import Claim, EventData, EventType, InteractionEvent, Told, Visitor, Word
from domain.ids import Kind, SourceKey
from domain.vocabulary import Verification
from journey.folding import folding

FOLD = folding({})
HOME = SourceKey("shop", Kind.CONTACT, "v1")
ANNA = SourceKey("shop", Kind.CONTACT, "account:1")
BEA = SourceKey("shop", Kind.CONTACT, "account:2")


@pytest.fixture
def told(at):
    """A page seen by the visitor."""
    subject = SourceKey("shop", Kind.VISIT, "s1")
    event = InteractionEvent(
        system="shop",
        event_id="1",
        type=EventType.VISIT_RECORDED,
        occurred_at=at(0),
        subject=subject,
        data=EventData(),
    )
    return Told(event=event, contacts=(HOME,))


def claim(value, how=Verification.ASSERTED):
    return Claim(LookupKey(KeyKind.EMAIL, value), how)


async def test_claims_only_grow_and_the_strongest_stands(state):
    await state.guests.learn({ANNA: [claim("b@x.example", Verification.VERIFIED)]}, [])
    await state.guests.learn({ANNA: [claim("b@x.example"), claim("a@x.example")]}, [])
    assert await state.guests.claims([BEA, ANNA]) == [
        (),
        (claim("a@x.example"), claim("b@x.example", Verification.VERIFIED)),
    ]


async def test_a_visitor_has_one_record_whoever_tells_of_them(state):
    first = await state.guests.meet({"v1": HOME})
    again = await state.guests.meet({"v1": BEA, "v2": BEA})
    assert first == {"v1": Visitor(id="v1", home=HOME)}
    assert (again["v1"].home, again["v2"].home) == (HOME, BEA)


async def test_the_latest_word_on_consent_stands(state, at):
    await state.guests.meet({"v1": HOME})

    async def consent(said, minute):
        await state.guests.learn({}, [Word(visitor="v1", consent=said, at=at(minute))])
        return (await state.guests.visitor("v1")).consent

    assert await state.guests.visitor("v2") is None
    assert await consent(True, 5) is True
    assert await consent(False, 4) is True
    assert await consent(False, 5) is False
    assert await consent(True, 5) is False
    assert await consent(True, 6) is True


async def test_a_visitor_belongs_to_who_alone_identified_themselves_and_agreed(state, at, told):
    store = state.events(FOLD)
    await state.guests.meet({"v1": HOME})
    await store.append([told])

    async def seen(*contacts, **said):
        await state.guests.learn({}, [Word(visitor="v1", **{"at": at(0), **said})])
        log = await store.activities(0, 9, contacts)
        assert len(await store.of_contacts(contacts, first=9)) == len(log)
        return len(log)

    assert await seen(ANNA, person=ANNA) == 0
    assert await seen(ANNA, consent=True) == 1
    assert await seen(ANNA, person=BEA) == 0
    assert await seen(ANNA, BEA) == 1
    assert await seen(ANNA, BEA, consent=False, at=at(1)) == 0


async def test_names_no_index_could_hold_are_held(state, at):
    odd = "v\0\ud800" + "x" * 5_000
    await state.guests.meet({odd: HOME})
    await state.guests.learn({HOME: [claim(odd)]}, [Word(visitor=odd, person=ANNA, at=at(0))])
    met = await state.guests.meet({odd: BEA})
    assert (met[odd].home, met[odd].people) == (HOME, (ANNA,))
    assert len((await state.guests.claims([HOME]))[0]) == 1
