"""What is asked of a source, and what is handed out in its place. Over both forms of the cache."""

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import pytest

from connectors.settings import SourceSettings
from domain.errors import SourceTimeout, SourceUnavailable
from domain.ids import Kind, SourceKey
from domain.inbox import Farewell
from domain.provenance import Freshness
from domain.records import Order
from domain.sources import PageRequest, ParentBy, Position
from domain.vocabulary import ServedFrom
from gateway.entities import store
from gateway.entities.entry import ENTRY_BYTES, Entry
from gateway.entities.shelves import Shelves
from gateway.entities.store import MemoryEntries

NUMBER = frozenset({"number", "owner_ids"})
LINES = frozenset({"lines", "owner_ids"})

Later = Callable[[float], None]


def numbers(page: Any) -> list[str]:
    return [one.number for one in page.items]


# ---------------------------------------------------------------- age


async def test_what_is_young_enough_is_not_asked_again(counter: Any, later: Later) -> None:
    live = await counter.page("ann")
    since = counter.shop.clock.now()
    later(59)
    kept = await counter.page("ann")
    assert counter.shop.calls == [("ann",)]
    assert (live.served_from, live.fetched_at) == (ServedFrom.LIVE, None)
    assert (kept.served_from, kept.fetched_at) == (ServedFrom.CACHE, since)
    assert numbers(kept) == numbers(live)
    assert {one.provenance.served_from for one in kept.items} == {ServedFrom.CACHE}
    assert {one.provenance.fetched_at for one in kept.items} == {since}
    assert (await counter.row("1")).provenance.served_from is ServedFrom.LIVE
    assert (await counter.row("1")).provenance.served_from is ServedFrom.CACHE


async def test_only_what_is_young_and_whole_is_at_hand(make: Any, later: Later) -> None:
    counter = make()

    def at_hand(age_s: float, fields: Any, *numbers: str) -> Any:
        source = counter.source.fresh(Freshness(max_age_ms=int(age_s * 1000)))
        return source.at_hand.rows(Kind.ORDER, numbers, fields)

    await counter.rows(["1", "nobody"], fields=NUMBER)
    (kept,) = at_hand(60, NUMBER, "1")
    assert kept.number == "1"
    assert at_hand(60, NUMBER, "1", "2") is None
    assert at_hand(60, NUMBER, "nobody") is None
    assert at_hand(60, NUMBER | LINES, "1") is None
    assert at_hand(0, NUMBER, "1") is None
    later(61)
    assert at_hand(60, NUMBER, "1") is None


async def test_a_caller_who_wants_it_live_has_it_live(counter: Any) -> None:
    for _ in range(3):
        assert (await counter.page("ann", age_s=0)).served_from is ServedFrom.LIVE
    assert len(counter.shop.calls) == 3
    assert (await counter.page("ann", age_s=1)).served_from is ServedFrom.CACHE


async def test_only_what_is_missing_is_asked_for_in_one_call(counter: Any) -> None:
    await counter.pages(["ann"])
    pages = await counter.pages(["bob", "ann", "cid", "bob"])
    assert counter.shop.calls == [("ann",), ("bob", "cid")]
    assert [numbers(page) for page in pages] == [["3"], ["1", "2"], [], ["3"]]


async def test_what_is_stale_is_handed_out_while_it_is_asked_for_anew(
    counter: Any, later: Later
) -> None:
    await counter.page("ann", age_s=60)
    later(80)
    counter.shop.word = " new"
    stale = await asyncio.gather(*(counter.page("ann", age_s=60) for _ in range(20)))
    assert {page.served_from for page in stale} == {ServedFrom.STALE_CACHE}
    assert numbers(stale[0]) == ["1", "2"]
    await _settled(counter)
    assert len(counter.shop.calls) == 2
    fresh = await counter.page("ann", age_s=60)
    assert (fresh.served_from, numbers(fresh)) == (ServedFrom.CACHE, ["1 new", "2 new"])


@pytest.mark.parametrize(
    ("age_s", "waited_s", "allow_stale"),
    [(60, 80, False), (60, 91, True), (5, 11, True), (1, 2.5, True)],
)
async def test_what_is_too_old_or_may_not_be_stale_is_waited_for(
    counter: Any, later: Later, age_s: float, waited_s: float, allow_stale: bool
) -> None:
    await counter.page("ann", age_s)
    later(waited_s)
    page = await counter.page("ann", age_s, allow_stale=allow_stale)
    assert (page.served_from, len(counter.shop.calls)) == (ServedFrom.LIVE, 2)


async def test_a_row_that_does_not_exist_is_believed_for_a_moment(
    counter: Any, later: Later
) -> None:
    assert await counter.row("9") is None
    assert await counter.row("9") is None
    assert len(counter.shop.calls) == 1
    later(6)
    counter.shop.orders["ann"].append("9")
    assert (await counter.row("9")).number == "9"


# ---------------------------------------------------------------- which question


async def test_pages_filters_and_parents_are_told_apart(counter: Any) -> None:
    place = PageRequest(20, Position(datetime(2026, 1, 1, tzinfo=UTC), "x"))
    for how in ({}, {"page": PageRequest(5)}, {"page": place}, {"by": ParentBy.EMAIL}):
        await counter.page("ann", **how)
        await counter.page("ann", **how)
    assert len(counter.shop.calls) == 4


async def test_a_larger_projection_serves_a_smaller_one(counter: Any) -> None:
    await counter.page("ann", fields=NUMBER | LINES)
    assert (await counter.page("ann", fields=NUMBER)).served_from is ServedFrom.CACHE
    assert (await counter.page("ann", fields=None)).served_from is ServedFrom.LIVE
    assert (await counter.page("ann", fields=LINES)).served_from is ServedFrom.CACHE
    assert counter.shop.fields == [NUMBER | LINES, None]


async def test_two_who_read_different_parts_do_not_push_each_other_out(counter: Any) -> None:
    for _ in range(3):
        await counter.page("ann", fields=NUMBER)
        await counter.page("ann", fields=LINES)
    assert counter.shop.fields == [NUMBER, NUMBER | LINES]


# ---------------------------------------------------------------- at the same time


async def test_many_at_once_are_one_call(counter: Any) -> None:
    counter.shop.gate = asyncio.Event()
    asking = [asyncio.create_task(counter.pages(["ann", "bob"])) for _ in range(50)]
    asking += [asyncio.create_task(counter.pages(["bob", "cid"])) for _ in range(50)]
    await _until(lambda: len(counter.shop.calls) == 2)
    counter.shop.gate.set()
    answers = await asyncio.gather(*asking)
    assert counter.shop.calls == [("ann", "bob"), ("cid",)]
    assert [numbers(page) for page in answers[0]] == [["1", "2"], ["3"]]
    assert [numbers(page) for page in answers[-1]] == [["3"], []]


async def test_whoever_gives_up_leaves_the_others_their_answer(counter: Any) -> None:
    counter.shop.gate = asyncio.Event()
    first = asyncio.create_task(counter.page("ann"))
    await _until(lambda: len(counter.shop.calls) == 1)
    others = [asyncio.create_task(counter.page("ann")) for _ in range(20)]
    await asyncio.sleep(0.02)
    first.cancel()
    await _until(lambda: len(counter.shop.calls) == 2)
    counter.shop.gate.set()
    assert [numbers(page) for page in await asyncio.gather(*others)] == [["1", "2"]] * 20
    assert len(counter.shop.calls) == 2


async def test_whoever_has_less_time_does_not_wait_for_the_patient(counter: Any) -> None:
    counter.shop.gate = asyncio.Event()
    patient = asyncio.create_task(counter.page("ann"))
    await _until(lambda: len(counter.shop.calls) == 1)
    assert isinstance(await counter.page("ann", patience_s=0.01), SourceTimeout)
    counter.shop.gate.set()
    assert numbers(await patient) == ["1", "2"]


async def test_the_patient_ask_again_where_the_hasty_ran_out_of_time(counter: Any) -> None:
    counter.shop.gate, counter.shop.broken = asyncio.Event(), SourceTimeout("shop", "too slow")
    hasty = asyncio.create_task(counter.page("ann", patience_s=1))
    await _until(lambda: len(counter.shop.calls) == 1)
    patient = [asyncio.create_task(counter.page("ann", patience_s=30)) for _ in range(20)]
    await asyncio.sleep(0.02)
    counter.shop.gate.set()
    assert isinstance(await hasty, SourceTimeout)
    counter.shop.broken = None
    assert [numbers(page) for page in await asyncio.gather(*patient)] == [["1", "2"]] * 20
    assert len(counter.shop.calls) == 2


# ---------------------------------------------------------------- failures


async def test_a_failing_source_is_never_kept_as_an_answer(counter: Any) -> None:
    counter.shop.broken, counter.shop.gate = SourceUnavailable("shop", "503"), asyncio.Event()
    asking = [asyncio.create_task(counter.page("ann")) for _ in range(20)]
    await _until(lambda: len(counter.shop.calls) == 1)
    counter.shop.gate.set()
    answers = await asyncio.gather(*asking)
    assert all(isinstance(one, SourceUnavailable) for one in answers)
    assert len(counter.shop.calls) == 1
    counter.shop.broken = None
    assert numbers(await counter.page("ann")) == ["1", "2"]


async def test_of_a_call_that_failed_in_part_the_rest_is_kept(counter: Any) -> None:
    counter.shop.broken_for["ann"] = SourceUnavailable("shop", "503")
    lost, kept = await counter.pages(["ann", "bob"])
    assert isinstance(lost, SourceUnavailable)
    assert numbers(kept) == ["3"]
    counter.shop.broken_for.clear()
    await counter.pages(["ann", "bob"])
    assert counter.shop.calls == [("ann", "bob"), ("ann",)]


async def test_what_is_stale_outlives_a_source_that_fails_while_it_is_asked_anew(
    counter: Any, later: Later
) -> None:
    await counter.page("ann")
    later(70)
    counter.shop.broken = SourceUnavailable("shop", "503")
    for _ in range(2):
        assert (await counter.page("ann")).served_from is ServedFrom.STALE_CACHE
        await _settled(counter)
    assert len(counter.shop.calls) == 3


# ---------------------------------------------------------------- events


async def test_a_changed_order_is_read_anew_in_every_projection_and_others_stay(
    counter: Any,
) -> None:
    async def everything() -> None:
        await counter.page("ann")
        await counter.page("ann", fields=NUMBER, page=PageRequest(5))
        await counter.row("1", fields=NUMBER)
        await counter.page("bob")
        await counter.row("3")

    await everything()
    counter.shop.calls.clear()
    await counter.told_changed("1", "ann")
    await everything()
    assert counter.shop.calls == [("ann",), ("ann",), ("1",)]


async def test_lists_by_an_email_go_with_any_change_of_their_kind(counter: Any) -> None:
    await counter.page("ann@example.com", by=ParentBy.EMAIL)
    await counter.page("bob")
    await counter.told_changed("1", "ann")
    await counter.page("ann@example.com", by=ParentBy.EMAIL)
    await counter.page("bob")
    assert len(counter.shop.calls) == 3


async def test_an_order_that_is_gone_is_on_no_list(counter: Any) -> None:
    await counter.pages(["ann", "bob"])
    await counter.told_gone("1")
    counter.shop.orders["ann"].remove("1")
    assert [numbers(page) for page in await counter.pages(["ann", "bob"])] == [["2"], ["3"]]


async def test_orders_of_people_who_became_one_are_read_anew(counter: Any) -> None:
    await counter.pages(["ann", "bob", "cid"])
    ann, bob = (SourceKey("shop", Kind.CONTACT, one) for one in ("ann", "bob"))
    await counter.intake.receive([], [Farewell(key=bob, into=ann)], counter.shop.clock.now())
    await counter.pages(["ann", "bob", "cid"])
    assert counter.shop.calls[1] == ("ann", "bob")


async def test_an_answer_that_was_on_its_way_when_it_changed_is_not_kept(counter: Any) -> None:
    counter.shop.gate = asyncio.Event()
    before = asyncio.create_task(counter.page("ann"))
    await _until(lambda: len(counter.shop.calls) == 1)
    await counter.told_changed("1", "ann")
    counter.shop.word = " new"
    after = asyncio.create_task(counter.page("ann"))
    await _until(lambda: len(counter.shop.calls) == 2)
    counter.shop.gate.set()
    assert numbers(await before) == ["1", "2"]
    assert numbers(await after) == ["1 new", "2 new"]
    assert numbers(await counter.page("ann")) == ["1 new", "2 new"]


async def test_an_event_reaches_the_other_workers_through_redis(make: Any, shared: Any) -> None:
    here, there = make(shared), make(shared)
    await here.page("ann")
    assert (await there.page("ann")).served_from is ServedFrom.CACHE
    here.shop.gate = asyncio.Event()
    slow = asyncio.create_task(there.page("bob"))
    await _until(lambda: len(here.shop.calls) == 2)
    await here.told_changed("1", "ann")
    await here.told_changed("3", "bob")
    here.shop.gate.set()
    await slow
    for one in (here, there):
        assert (await one.pages(["ann", "bob"]))[0] is not None
    assert here.shop.calls == [("ann",), ("bob",), ("ann", "bob")]


# ---------------------------------------------------------------- whose it is


@pytest.mark.parametrize(
    "other",
    [
        {"credential": "another"},
        {"settings": SourceSettings(connector="test", base_url="http://elsewhere")},
        {"settings": SourceSettings(connector="test", mapping={"kinds": {}})},
    ],
)
async def test_another_credential_address_or_mapping_is_another_source(
    make: Any, shared: Any, other: dict[str, Any]
) -> None:
    one, two = make(shared), make(shared, **other)
    await one.page("ann")
    assert (await two.page("ann")).served_from is ServedFrom.LIVE
    assert (await one.page("ann")).served_from is ServedFrom.CACHE


async def test_another_release_reads_nothing_of_this_one(
    make: Any, shared: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(shared).page("ann")
    monkeypatch.setattr("gateway.entities.shared.release", lambda: "9.9.9")
    assert (await make(shared).page("ann")).served_from is ServedFrom.LIVE


async def test_nothing_in_redis_names_anybody_by_its_key(make: Any, shared: Any) -> None:
    counter = make(shared)
    await counter.page("ann@example.com", by=ParentBy.EMAIL)
    await counter.row("ann@example.com")
    keys = await shared._client.keys("*")
    assert len(keys) >= 4
    assert not any(b"ann" in key or b"shop" in key for key in keys)
    ends = [await shared._client.pttl(key) for key in keys]
    assert 0 < min(ends) <= max(ends) <= 3_600_000


@pytest.mark.parametrize("body", [b"", b"\n", b"[1]\n{}", b"\x80\x04\x95.", b"[0,null,[]]\nnull"])
async def test_bytes_nobody_of_ours_wrote_are_not_read(make: Any, shared: Any, body: bytes) -> None:
    counter = make(shared)
    await counter.page("ann")
    for key in await shared._client.keys("knownas:entity:*"):
        await shared._client.set(key, body)
    assert (await counter.page("ann")).served_from is ServedFrom.LIVE


# ---------------------------------------------------------------- size


async def test_memory_is_bounded_and_the_least_used_goes_first(make: Any) -> None:
    counter = make(max_bytes=8_000)
    owners = [f"o{n}" for n in range(8)]
    counter.shop.orders = {owner: ["1"] for owner in owners}
    await counter.page("o0")
    for owner in owners:
        await counter.page(owner)
        await counter.page("o0")
    entries = counter.keeping._cache._entries
    assert 4_000 < entries.size_bytes <= 8_000
    counter.shop.calls.clear()
    await counter.page("o0")
    assert counter.shop.calls == []
    await counter.page("o1")
    assert counter.shop.calls == [("o1",)]


async def test_what_is_counted_as_memory_is_about_what_is_taken(
    make: Any, measured: Callable[[], int]
) -> None:
    counter = make()
    counter.shop.orders = {f"o{n}": [str(k) for k in range(5)] for n in range(200)}
    await counter.pages(["warm"])
    before = measured()
    for _ in range(2):
        await counter.pages(list(counter.shop.orders))
        counter.shop.calls.clear()
        counter.shop.fields.clear()
    taken = measured() - before
    counted = counter.keeping._cache._entries.size_bytes
    assert 0.6 * taken < counted < 2.0 * taken


@pytest.fixture
def measured() -> Iterator[Callable[[], int]]:
    """Bytes that are taken. It makes everything slow until it is taken down."""

    def taken() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    yield taken
    tracemalloc.stop()


async def test_what_was_used_gets_another_turn_and_what_is_new_has_one() -> None:
    shelf = Shelves("oms", Kind.ORDER).rows
    entries = MemoryEntries(3 * (ENTRY_BYTES + 1))

    async def put(name: str) -> None:
        await entries.put({(shelf, name): Entry(None, None, 0.0)}, entries.stamp)

    def there() -> str:
        return "".join(name for _, name in sorted(entries._entries, key=itemgetter(1)))

    for name in "abc":
        await put(name)
    assert entries.at_hand([(shelf, "a")]) is not None
    await put("d")
    assert there() == "acd"
    assert entries.at_hand([(shelf, name) for name in "acd"]) is not None
    await put("e")
    assert there() == "ade"
    assert entries.size_bytes == 3 * (ENTRY_BYTES + 1)


async def test_for_one_that_is_put_only_so_many_are_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "MOST_CHANCES", 1)
    shelf = Shelves("oms", Kind.ORDER).rows
    entries = MemoryEntries(3 * (ENTRY_BYTES + 1))
    for name in "abc":
        await entries.put({(shelf, name): Entry(None, None, 0.0)}, entries.stamp)
    assert entries.at_hand([(shelf, name) for name in "abc"]) is not None
    await entries.put({(shelf, "d"): Entry(None, None, 0.0)}, entries.stamp)
    assert [name for _, name in entries._entries] == ["c", "a", "d"]


async def test_what_was_thrown_away_long_ago_is_forgotten_safely(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "MOST_DROPPED", 3)
    entries = MemoryEntries(10_000)
    old = entries.stamp
    for n in range(10):
        await entries.drop([f"tag {n}"])
    assert len(entries._dropped) == 3
    await entries.put({}, old)
    assert old.drops < entries._floor <= entries.stamp.drops


async def test_without_the_cache_a_source_is_asked_each_time(make: Any) -> None:
    counter = make(records=False)
    await counter.page("ann")
    await counter.page("ann")
    assert len(counter.shop.calls) == 2
    assert isinstance((await counter.page("ann")).items[0], Order)


# ---------------------------------------------------------------- short forms


async def _settled(counter: Any) -> None:
    """Until nothing is asked for anew any more."""
    await _until(lambda: not counter.keeping._cache._refreshing)


async def _until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110  # no event tells it
            await asyncio.sleep(0.001)
