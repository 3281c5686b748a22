"""Settling stored records: in batch, in the request that brings one, and again."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from domain.customer import KeyKind, Link, LookupKey
from domain.errors import InputError
from domain.ids import Kind, SourceKey
from domain.ports import Clock, Resolution, SyncCursor
from domain.provenance import Provenance, System
from domain.records import Actor, Contact
from domain.vocabulary import ActorKind, LinkMethod, LinkStatus, SystemKind
from identity import batch, run
from identity.graph import People
from identity.model import bundled
from identity.referee import Referee
from state.engine import open_state

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REGIONS = {"crm": "GB", "chat": "GB", "shop": "GB"}


def contact(source: str, external_id: str, **said: object) -> Contact:
    system = System(name=source, kind=SystemKind.CRM, connector="fake")
    provenance = Provenance(system=system, external_id=external_id, fetched_at=AT)
    key = SourceKey(source, Kind.CONTACT, external_id)
    return Contact(key=key, provenance=provenance, **said)  # type: ignore[arg-type]


MARGARET = contact(
    "crm", "1", given_name="Margaret", family_name="Ellison",
    emails=("margaret@example.com",), phones=("+44 7700 900123",),
)  # fmt: skip
MAGGIE = contact(
    "chat", "a", full_name="Maggie Ellison",
    emails=("maggie@example.org",), phones=("07700 900 123",),
)  # fmt: skip
NAMESAKE = contact(
    "shop", "9", given_name="Margaret", family_name="Ellison", emails=("m.e@example.net",)
)
STRANGERS = tuple(
    contact("crm", f"s{n}", full_name=name, emails=(f"{name.split()[0].lower()}@example.com",))
    for n, name in enumerate(["Ada Byron", "Olu Sowande", "Ines Prado", "Tom Hale", "Wei Zhang"])
)
EVERYBODY = (MARGARET, MAGGIE, NAMESAKE, *STRANGERS)


@pytest.fixture
async def rooms(sqlite_state: str, clock: Clock) -> AsyncIterator[SimpleNamespace]:
    state = open_state(sqlite_state, clock=clock)
    referee = Referee(
        bundled(), auto_link_weight=9.0, review_weight=3.0, regions=REGIONS, clock=clock
    )
    graph = People(
        state.records, state.identities, state.arrivals,
        judge=referee.judge, explain=referee.explain, regions=REGIONS,
    )  # fmt: skip
    yield SimpleNamespace(state=state, referee=referee, graph=graph)
    await state.close()


async def store(rooms: SimpleNamespace, contacts: Sequence[Contact]) -> None:
    for source in sorted({one.key.source for one in contacts}):
        own = [rooms.graph.index(one) for one in contacts if one.key.source == source]
        await rooms.state.records.put_page(
            source, Kind.CONTACT, own, [], SyncCursor(cursor="end", updated_at=AT)
        )


async def resolve(rooms: SimpleNamespace) -> object:
    return await rooms.referee.resolve(rooms.state.records, rooms.state.identities)


async def owners(rooms: SimpleNamespace, contacts: Sequence[Contact]) -> list[str]:
    return await rooms.graph.of_records([one.key for one in contacts])


async def test_one_person_under_two_emails_is_one_customer_and_a_namesake_is_another(
    rooms: SimpleNamespace,
) -> None:
    await store(rooms, EVERYBODY)
    await resolve(rooms)
    margaret, maggie, namesake, *strangers = await owners(rooms, EVERYBODY)
    assert margaret == maggie
    assert len({margaret, namesake, *strangers}) == 2 + len(STRANGERS)


async def test_resolving_again_changes_nothing(rooms: SimpleNamespace) -> None:
    await store(rooms, EVERYBODY)
    await resolve(rooms)
    before = await owners(rooms, EVERYBODY)
    again = await resolve(rooms)
    assert await owners(rooms, EVERYBODY) == before
    assert again.changed == 0  # type: ignore[attr-defined]


async def test_a_rejected_pair_stays_apart_over_a_re_run(
    rooms: SimpleNamespace, clock: Clock
) -> None:
    await store(rooms, EVERYBODY)
    left, right = sorted((MARGARET.key, MAGGIE.key))
    decision = Link(
        left=left, right=right, method=LinkMethod.MANUAL, status=LinkStatus.REJECTED,
        decided_by=Actor(kind=ActorKind.HUMAN, id="steward"), decided_at=AT,
    )  # fmt: skip
    version = await rooms.state.identities.version()
    resolution = Resolution(
        assignments=[], redirects={},
        links=[decision], based_on=version, scope=frozenset({left, right}),
    )  # fmt: skip
    await rooms.state.identities.publish(resolution)
    await resolve(rooms)
    margaret, maggie = await owners(rooms, (MARGARET, MAGGIE))
    assert margaret != maggie


async def test_a_key_leads_to_the_person_in_every_form_it_is_written(
    rooms: SimpleNamespace,
) -> None:
    await store(rooms, EVERYBODY)
    await resolve(rooms)
    (person,) = set(await owners(rooms, (MARGARET, MAGGIE)))
    keys = [
        LookupKey(KeyKind.EMAIL, "MARGARET+news@Example.com"),
        LookupKey(KeyKind.PHONE, "0044 (0)7700 900123"),
        LookupKey(KeyKind.PHONE, "07700900123"),
        LookupKey(KeyKind.EXTERNAL, "a", "chat"),
        LookupKey(KeyKind.ID, person),
        LookupKey(KeyKind.EMAIL, "nobody@example.com"),
    ]
    found = await rooms.graph.find(keys)
    assert [one.customers for one in found] == [(person,)] * 5 + [()]


async def test_a_record_just_found_joins_its_person_and_a_stranger_is_minted(
    rooms: SimpleNamespace,
) -> None:
    await store(rooms, [one for one in EVERYBODY if one is not MAGGIE])
    await resolve(rooms)
    (standing,) = await owners(rooms, (MARGARET,))
    stranger = contact("chat", "b", full_name="Zora Neale", emails=("zora@example.org",))
    adopted = await rooms.graph.adopt([MAGGIE, stranger])
    assert adopted[0] == standing
    assert adopted[1] not in await owners(rooms, EVERYBODY)
    assert await rooms.state.records.contacts([stranger.key]) == [stranger]


async def test_links_say_who_decided_with_which_model_and_their_evidence_adds_up(
    rooms: SimpleNamespace,
) -> None:
    await store(rooms, EVERYBODY)
    await resolve(rooms)
    (person,) = set(await owners(rooms, (MARGARET, MAGGIE)))
    ((link,),) = await rooms.graph.links([person], [LinkStatus.AUTO])
    assert link.method is LinkMethod.PROBABILISTIC
    assert link.model_version == bundled().version
    ((*evidence,),) = await rooms.graph.explain([(link, MARGARET, MAGGIE)])
    told = link.prior_weight + sum(one.match_weight for one in evidence)
    assert told == pytest.approx(link.match_weight, abs=1e-6)


async def test_search_finds_people_by_the_beginnings_of_words_and_by_numbers(
    rooms: SimpleNamespace,
) -> None:
    await store(rooms, EVERYBODY)
    await resolve(rooms)
    (person,) = set(await owners(rooms, (MARGARET, MAGGIE)))
    assert await rooms.graph.search("ellis magg", 10) == [person]
    assert await rooms.graph.search("07700 9001", 10) == [person]
    assert await rooms.graph.search("margaret@ex", 10) == [person]
    assert await rooms.graph.search("unheard of", 10) == []


async def test_pairs_are_scored_by_the_engine_that_is_asked_for(
    rooms: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def elsewhere(*told: Any) -> str:
        asked.append(told[2])
        return batch.predict(*told)

    monkeypatch.setitem(run.ENGINES, "elsewhere", elsewhere)  # type: ignore[arg-type]
    await store(rooms, EVERYBODY)
    records, identities = rooms.state.records, rooms.state.identities
    await rooms.referee.resolve(records, identities, "elsewhere")
    assert asked[0] == "candidates"
    with pytest.raises(InputError, match="--engine"):
        await rooms.referee.resolve(records, identities, "abacus")
