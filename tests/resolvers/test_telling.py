"""What is told of people nobody knows yet, over a world of fakes and a real event store."""

from dataclasses import replace

import pytest

from domain.customer import KeyKind, LookupKey
from domain.errors import Forbidden, PageTooLarge
from domain.events import Claim
from domain.vocabulary import Verification
from journey.folding import folding
from resolvers.caller import Caller
from resolvers.telling import MOST_EVENTS, MOST_SEARCHED, Report, ingest
from state.engine import open_state

EMAIL = LookupKey(KeyKind.EMAIL, "new@example.com")
ASSERTED, VERIFIED = Verification.ASSERTED, Verification.VERIFIED


@pytest.fixture
async def tell(world, fakes, sqlite_state):
    state = open_state(sqlite_state)

    async def find(forms):
        rows = world.store.rows.values()
        own = world.identity.canonical
        return [tuple(row.key for row in rows if form in own(row)) for form in forms]

    world.store.find = find
    systems = {name: one.system for name, one in world.systems.items()}

    async def send(*claims, count=1, scopes=frozenset({"ingest:verified"}), read_only=False):
        caller = Caller(name="teller", scopes=scopes)
        operation = world.operation(caller, read_only=read_only)
        operation.services = replace(
            operation.services,
            events=state.events(folding(systems)),
            guests=state.guests,
            tellers=systems,
        )
        reports = [
            Report(
                system="chat",
                event_id=f"e{n}",
                type="interaction.started",
                occurred_at=fakes.ago(minutes=1),
                subject=("chat", "c"),
                claims=claims,
                data={},
            )
            for n in range(count)
        ]
        return await ingest(operation, reports)

    yield send
    await state.close()


async def test_who_is_told_of_and_not_known_is_looked_for_at_the_sources(world, tell):
    world.contact("crm", "h9", kept=False, emails=(EMAIL.value,))
    world["crm"].searches[EMAIL] = ["h9"]
    assert (await tell(Claim(EMAIL, VERIFIED))).accepted == 1
    assert "h9" in {one.key.external_id for one in world.identity.adopted}


async def test_what_is_only_asserted_is_looked_for_nowhere(world, tell):
    await tell(Claim(EMAIL, ASSERTED))
    await tell(Claim(EMAIL, VERIFIED), scopes=frozenset({"ingest"}))
    assert not world.called()


async def test_who_is_known_is_looked_for_nowhere(world, tell):
    world.customer("cus_1", world.contact("crm", "h1", emails=(EMAIL.value,)))
    world.identity.keys[EMAIL] = ("cus_1",)
    told = await tell(Claim(EMAIL, VERIFIED))
    assert told.customer_ids == ("cus_1",)
    assert not world.called()


async def test_a_replay_asks_the_sources_for_nobody(world, tell):
    many = (LookupKey(KeyKind.EMAIL, f"n{n}@example.com") for n in range(MOST_SEARCHED + 1))
    await tell(*(Claim(one, VERIFIED) for one in many))
    assert not world.called()


async def test_too_many_at_once_and_what_must_not_change_anything_are_refused(tell):
    with pytest.raises(PageTooLarge):
        await tell(count=MOST_EVENTS + 1)
    with pytest.raises(Forbidden):
        await tell(read_only=True)
    with pytest.raises(Forbidden):
        await tell(scopes=frozenset({"customer:any"}))
