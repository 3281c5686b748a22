"""What was claimed of people, and what visitors agreed to, on both databases."""

from domain.customer import KeyKind, LookupKey
from domain.events import Claim, Visitor, Word
from domain.ids import Kind, SourceKey
from domain.vocabulary import Verification

HOME = SourceKey("shop", Kind.CONTACT, "v1")
ANNA = SourceKey("shop", Kind.CONTACT, "account:1")
BEA = SourceKey("shop", Kind.CONTACT, "account:2")


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


async def test_a_visitor_is_somebody_when_one_person_says_so_and_agrees(state, at):
    await state.guests.meet({"v1": HOME})

    async def visitor(**said):
        word = Word(visitor="v1", **{"at": at(0), **said})
        await state.guests.learn({}, [word])
        return (await state.guests.meet({"v1": BEA}))["v1"]

    assert (await visitor(person=ANNA)).person is None
    assert (await visitor(consent=True)).person == ANNA
    assert (await visitor(consent=True, at=at(5))).consent is True
    assert (await visitor(consent=False, at=at(4))).consent is True
    assert (await visitor(consent=False, at=at(5))).consent is False
    assert (await visitor(consent=True, at=at(6))).person == ANNA
    assert (await visitor(person=BEA)).person is None


async def test_names_no_index_could_hold_are_held(state, at):
    odd = "v\0\ud800" + "x" * 5_000
    await state.guests.meet({odd: HOME})
    await state.guests.learn({HOME: [claim(odd)]}, [Word(visitor=odd, person=ANNA, at=at(0))])
    met = await state.guests.meet({odd: BEA})
    assert (met[odd].home, met[odd].people) == (HOME, (ANNA,))
    assert len((await state.guests.claims([HOME]))[0]) == 1
