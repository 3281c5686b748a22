"""Many stewards at once, and a machine that resolves meanwhile."""

import asyncio
import itertools

from domain.vocabulary import LinkStatus
from resolvers.refused import Code
from state.engine import open_state

WRITERS = 32


async def merge_until_one(desk, keep, absorb):
    """As a steward would: read, decide, and on a stale version read again."""
    while True:
        payload = await desk.merge(keep, absorb)
        if not payload.user_errors:
            return payload
        assert {error.code for error in payload.user_errors} == {Code.STALE_VERSION}


async def test_32_writers_who_merge_in_a_circle_end_in_one_customer(desk):
    await desk.stand(cus_1="a b", cus_2="c d", cus_3="e f")
    circle = itertools.cycle([("cus_1", "cus_2"), ("cus_2", "cus_3"), ("cus_3", "cus_1")])
    wishes = [next(circle) for _ in range(WRITERS)]
    await asyncio.gather(*(merge_until_one(desk, *wish) for wish in wishes))
    snapshot = await desk.snapshot()
    assert [len(members) for members in snapshot.values()] == [6]
    events = await desk.state.decisions.history("cus_1", 100, None)
    assert len(events) == 2  # three customers become one by two merges, whoever came first
    led = {(await desk.cluster(f"cus_{number}")).id for number in (1, 2, 3)}
    assert led == set(snapshot)


async def test_32_writers_of_four_processes_end_in_one_customer_and_never_in_a_deadlock(
    desk, state_url, clock
):
    """Each of the four has connections of its own, as a replica has: in one process a queue of
    threads would keep writers apart before the database does.
    """
    await desk.stand(cus_1="a b", cus_2="c d", cus_3="e f")
    replicas = [
        type(desk)(open_state(state_url, clock=clock), clock, first_key=1_000 * number)
        for number in range(1, 5)
    ]
    circle = itertools.cycle([("cus_1", "cus_2"), ("cus_2", "cus_3"), ("cus_3", "cus_1")])
    wishes = [(replicas[number % 4], next(circle)) for number in range(WRITERS)]
    await asyncio.gather(*(merge_until_one(one, *wish) for one, wish in wishes))
    snapshot = await desk.snapshot()
    assert [len(members) for members in snapshot.values()] == [6]
    assert len(await desk.state.decisions.history("cus_1", 100, None)) == 2
    for one in replicas:
        await one.state.close()


async def test_merges_and_splits_at_once_leave_whole_customers(desk):
    await desk.stand(cus_1="a b", cus_2="c d")

    async def steward(number):
        if number % 2:
            await desk.merge("cus_1", "cus_2")
        else:
            await desk.split("cus_1", "c d")

    await asyncio.gather(*(steward(number) for number in range(WRITERS)))
    groups = sorted((await desk.snapshot()).values())
    names = ["".join(key.external_id for key in members) for members in groups]
    assert names in (["abcd"], ["ab", "cd"])
    wanted = LinkStatus.CONFIRMED if len(names) == 1 else LinkStatus.REJECTED
    assert set(await desk.statuses("a-c", "a-d", "b-c", "b-d")) <= {wanted, None}


async def test_one_request_sent_32_times_at_once_is_one_decision(desk):
    await desk.stand(cus_1="a", cus_2="b")
    payloads = await asyncio.gather(
        *(desk.merge("cus_1", "cus_2", key="one") for _ in range(WRITERS))
    )
    settled = {(one.customer_ids, one.event) for one in payloads if not one.user_errors}
    assert len(settled) == 1
    assert len(await desk.state.decisions.history("cus_1", 100, None)) == 1


async def test_a_resolution_that_was_overtaken_by_a_decision_takes_it_in(desk):
    one = desk.contact("crm:1", full_name="Ada Byron", emails=("ada@example.com",))
    other = desk.contact("chat:2", full_name="Olu Sowande", emails=("olu@example.com",))
    await desk.store([one, other])
    await desk.resolve()
    ids = [await desk.owner("crm:1"), await desk.owner("chat:2")]
    await asyncio.gather(desk.resolve(), desk.merge(*ids), desk.resolve())
    assert await desk.owner("crm:1") == await desk.owner("chat:2") == ids[0]
