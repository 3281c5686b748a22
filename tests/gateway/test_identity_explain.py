"""`knownas identity explain`, on a store of two records."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.customer import Link
from domain.errors import InputError, UnknownCustomer
from domain.ids import Kind, SourceKey
from domain.ports import Assignment, Resolution, SyncCursor
from domain.provenance import Provenance, System
from domain.records import Actor, Contact
from domain.vocabulary import ActorKind, LinkMethod, LinkStatus, SystemKind
from gateway.bootstrap import Program, opened
from gateway.commands.identity_explain import between, of_one
from gateway.config_file import checked

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EMAIL = "ada.byron@example.com"
ONE, OTHER = (SourceKey(source, Kind.CONTACT, "1") for source in ("chat", "crm"))


def contact(key: SourceKey, **said: Any) -> Contact:
    system = System(name=key.source, kind=SystemKind.CRM, connector="test")
    told = Provenance(system=system, external_id=key.external_id, fetched_at=AT)
    return Contact(key=key, provenance=told, emails=(EMAIL,), **said)


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    """Two records of one name and mailbox, held to be two customers, with no link."""
    config = checked({"state": {"url": f"sqlite:///{tmp_path}/state.db"}}, {})
    async with opened(config) as running:
        for key, name in ((ONE, "Ada Byron"), (OTHER, "Byron, Ada")):
            index = [running.people.index(contact(key, full_name=name))]
            await running.state.records.put_page(
                key.source, Kind.CONTACT, index, [], SyncCursor(cursor="end")
            )
        await publish(running)
        yield running


async def publish(program: Program, *links: Link) -> None:
    ids = {"cus_1": ONE, "cus_2": OTHER}
    clusters = [Assignment(id=id, members=(key,), confidence=1.0) for id, key in ids.items()]  # type: ignore[arg-type]
    await program.state.identities.publish(
        Resolution(assignments=clusters, redirects={}, links=links, scope=frozenset())
    )


async def test_two_records_are_explained_though_no_link_joins_them(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    await between(program, "crm/1", ONE.node_id)
    told = capsys.readouterr().out
    assert told.startswith("superseded\tchat/1 - crm/1\tprobabilistic\t")
    assert "although same e-mail" in told
    head, _, *steps = told.splitlines()
    weights = [float(re.findall(r"\t([+-]\d+\.\d+)", line)[0]) for line in steps]
    assert sum(weights) == pytest.approx(float(head.split("\t")[-1]), abs=0.01 * len(steps))
    assert EMAIL not in told
    assert "Ada" not in told


async def test_a_decided_link_is_told_with_its_decision(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    steward = Actor(kind=ActorKind.HUMAN, id="steward")
    link = Link(
        left=ONE,
        right=OTHER,
        method=LinkMethod.MANUAL,
        status=LinkStatus.REJECTED,
        decided_by=steward,
        decided_at=AT,
    )
    await publish(program, link)
    await between(program, "cus_1", "cus_2")
    told = capsys.readouterr().out
    assert told == "rejected\tchat/1 - crm/1\tmanual\n  Two people, as was decided.\n"
    await of_one(program, "crm/1")
    assert "cus_2\tversion 1" in (of := capsys.readouterr().out)
    assert told in of


async def test_customers_without_a_link_are_said_to_have_none(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    await between(program, "cus_1", "cus_1")
    assert capsys.readouterr().out == "no link between cus_1 and cus_1\n"


@pytest.mark.parametrize(
    ("names", "error", "told"),
    [
        (("crm/1", "crm/9"), UnknownCustomer, "crm/9: no such record is stored"),
        (("cus_1", "cus_9"), UnknownCustomer, "cus_9: no customer has"),
        (("cus_1", "nothing"), InputError, "neither a customer"),
    ],
)
async def test_what_nobody_knows_is_named(
    program: Program, names: tuple[str, str], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        await between(program, *names)
