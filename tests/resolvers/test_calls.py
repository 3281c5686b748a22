import asyncio

import pytest

from domain.errors import SourceProtocolError, SourceTimeout, SourceUnavailable
from domain.ids import Kind
from domain.provenance import Freshness
from resolvers.calls import ask


@pytest.fixture
def asked(world):
    async def run(call, count=2, freshness=None, **options):
        operation = world.operation(**options)
        source = operation.services.sources["crm"]
        return await ask(
            operation,
            source,
            kind=Kind.CONTACT,
            count=count,
            freshness=freshness or Freshness(),
            call=call,
        )

    return run


async def until(asked, **options):
    """The seconds a call is given."""
    given = []

    async def call(deadline):
        given.append(deadline - asyncio.get_running_loop().time())
        return [None, None]

    await asked(call, **options)
    return given[0]


async def test_a_call_is_given_no_longer_than_its_source_the_caller_and_the_operation_allow(
    asked, world
):
    world.timeout_s = 2.0
    assert await until(asked) == pytest.approx(2.0, abs=0.1)
    freshness = Freshness(deadline_ms=500)
    assert await until(asked, freshness=freshness) == pytest.approx(0.5, abs=0.1)
    assert await until(asked, deadline_s=0.2) == pytest.approx(0.2, abs=0.1)


async def test_a_call_that_fails_as_a_whole_is_that_error_for_each_thing_asked(asked):
    error = SourceUnavailable("crm", "503")

    async def call(_):
        raise error

    assert (await asked(call)).entries == [error, error]


async def test_a_connector_that_does_not_mind_its_deadline_is_cut_off(asked):
    async def call(_):
        await asyncio.Event().wait()

    reply = await asked(call, freshness=Freshness(deadline_ms=10))
    assert all(isinstance(one, SourceTimeout) for one in reply.entries)


async def test_an_answer_of_another_length_is_no_answer(asked):
    async def call(_):
        return [None]

    reply = await asked(call)
    assert [type(one) for one in reply.entries] == [SourceProtocolError] * 2


async def test_every_batch_is_counted_with_its_failures(asked, world):
    async def call(_):
        return [None, SourceUnavailable("crm", "503")]

    await asked(call)
    assert world.telemetry.counted["source_batch_entries"] == 2
    assert world.telemetry.observed == [
        ("source_batch_seconds", {"source": "crm", "kind": "record"})
    ]
