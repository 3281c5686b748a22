"""Reads of several requests in one turn: one call, and nobody worse off for the company."""

import asyncio
import gc
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.errors import SourceProtocolError, SourceTimeout
from domain.ids import Kind
from domain.records import Contact
from domain.sources import ChildFilter, PageRequest, Position
from domain.vocabulary import TicketStatus

T0 = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("virtual_time")


class Register:
    """People p001, p002, ...; what is in `bad` makes of an answer what the test wants."""

    def __init__(self, made_up: Any, **bad: Any) -> None:
        self._made_up = made_up
        self._bad = bad

    def __call__(self, _path: str, body: Any) -> Any:
        for one in body["ids"]:
            if one in self._bad:
                return self._bad[one](body["ids"])
        return {"rows": [self._made_up.person(int(one[1:]), 0) for one in body["ids"]]}


def got(entries: Any) -> list[Any]:
    return [one if isinstance(one, Exception | None) else one.key.external_id for one in entries]


async def _hanging(_request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(60)
    return httpx.Response(500)


async def reads(source: Any, harness: Any, *asks: list[str], fields: Any = None) -> list[Any]:
    reader = source.gets[Kind.CONTACT]
    answers = [reader.get_many(ids, fields, harness.within()) for ids in asks]
    return [got(one) for one in await asyncio.gather(*answers)]


async def lists(source: Any, made_up: Any, harness: Any, *owners: str, first: int = 2) -> list[Any]:
    reader, page = source.children[Kind.TICKET], PageRequest(first)
    asks = [
        reader.children_of(made_up.own(one), page, made_up.ALL, None, harness.within())
        for one in owners
    ]
    return [one for (one,) in await asyncio.gather(*asks)]


async def test_reads_of_one_turn_are_one_call(made: Any, made_up: Any, harness: Any) -> None:
    tally = harness.Tally()
    source, calls = made(Register(made_up), telemetry=tally)
    answers = await reads(source, harness, ["p001"], ["p002", "p001"])
    assert answers == [["p001"], ["p002", "p001"]]
    assert tally.total("source_merged_reads") == 1
    assert [body["ids"] for _, body in calls] == [["p001", "p002"]]


async def test_what_company_was_told_is_gone_with_those_who_asked(
    made: Any, made_up: Any, harness: Any
) -> None:
    """A cycle would keep the records of every query until garbage is collected."""
    source, _ = made(Register(made_up))
    gc.collect()
    before = sum(type(one) is Contact for one in gc.get_objects())
    gc.disable()
    try:
        await reads(source, harness, ["p001"], ["p002"])
        await asyncio.sleep(0)  # the loop itself still holds what woke us
        assert sum(type(one) is Contact for one in gc.get_objects()) == before
    finally:
        gc.enable()


async def test_nobody_waits_for_who_asks_later(made: Any, made_up: Any, harness: Any) -> None:
    source, calls = made(Register(made_up))
    await reads(source, harness, ["p001"])
    await reads(source, harness, ["p002"])
    assert len(calls) == 2


async def test_a_call_is_no_larger_than_the_vendor_takes(
    made: Any, made_up: Any, harness: Any
) -> None:
    source, calls = made(Register(made_up))  # three ids a call
    answers = await reads(source, harness, ["p001"], ["p002", "p003"], ["p004"], ["p005"])
    assert answers == [["p001"], ["p002", "p003"], ["p004"], ["p005"]]
    assert [len(body["ids"]) for _, body in calls] == [3, 2]


async def test_who_reads_other_fields_asks_apart(made: Any, made_up: Any, harness: Any) -> None:
    source, calls = made(Register(made_up))
    both = {"p001": ["emails"], "p002": ["phones"]}
    await asyncio.gather(
        *(reads(source, harness, [one], fields=frozenset(some)) for one, some in both.items())
    )
    assert [body["ids"] for _, body in calls] == [["p001"], ["p002"]]


async def test_a_refused_id_is_the_error_of_who_asked_for_it_alone(
    made: Any, made_up: Any, harness: Any
) -> None:
    source, calls = made(Register(made_up, p009=lambda _: httpx.Response(422)))
    first, second = await reads(source, harness, ["p001"], ["p009"])
    assert first == ["p001"]
    assert isinstance(second[0], SourceProtocolError)
    assert [sorted(body["ids"]) for _, body in calls] == [["p001", "p009"], ["p001"], ["p009"]]


async def test_an_unreadable_row_takes_nothing_from_the_others(
    made: Any, made_up: Any, harness: Any
) -> None:
    def broken(ids: list[str]) -> Any:
        return {"rows": [made_up.person(int(i[1:]), 0) for i in ids if i != "p009"] + [{"id": 3}]}

    source, _ = made(Register(made_up, p009=broken))
    first, second = await reads(source, harness, ["p001"], ["p009"])
    assert first == ["p001"]
    assert isinstance(second[0], SourceProtocolError)


async def test_who_has_less_time_goes_alone(made: Any, made_up: Any, harness: Any) -> None:
    source, calls = made(Register(made_up))
    reader = source.gets[Kind.CONTACT]
    hurried, patient = await asyncio.gather(
        reader.get_many(["p001"], None, harness.within(0.1)),
        reader.get_many(["p002"], None, harness.within(3)),
    )
    assert got([*hurried, *patient]) == ["p001", "p002"]
    assert len(calls) == 2


async def test_company_has_as_long_as_whoever_has_the_least(
    made: Any, made_up: Any, harness: Any
) -> None:
    source, calls = made(Register(made_up), respond=_hanging)
    reader, begun = source.gets[Kind.CONTACT], asyncio.get_running_loop().time()
    patience = {"p001": 0.515, "p002": 0.5}
    asks = [reader.get_many([one], None, harness.within(s)) for one, s in patience.items()]
    answers = await asyncio.gather(*asks)
    assert [type(one) for (one,) in answers] == [SourceTimeout, SourceTimeout]
    assert asyncio.get_running_loop().time() - begun < 0.51
    assert len(calls) == 1


async def test_a_call_ends_when_the_last_who_waits_has_left(
    made: Any, made_up: Any, harness: Any
) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hanging(_request: httpx.Request) -> httpx.Response:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return httpx.Response(500)

    source, _ = made(Register(made_up), respond=hanging)
    reader = source.gets[Kind.CONTACT]
    asks = [
        asyncio.ensure_future(reader.get_many([one], None, harness.within(30)))
        for one in ("p001", "p002")
    ]
    await begun.wait()
    asks[0].cancel()
    await asyncio.wait(asks, timeout=0.01)
    assert not ended.is_set()
    asks[1].cancel()
    await asyncio.wait(asks)
    await asyncio.wait_for(ended.wait(), 1)


async def test_what_goes_wrong_for_all_is_told_to_each(
    made: Any, made_up: Any, harness: Any
) -> None:
    source, calls = made(Register(made_up), respond=_hanging)
    answers = await reads(source, harness, ["p001"], ["p002"])
    assert [type(one) for (one,) in answers] == [SourceTimeout, SourceTimeout]
    assert len(calls) == 1


async def test_lists_of_one_turn_are_one_call(made: Any, made_up: Any, harness: Any) -> None:
    rows = [made_up.row(n, "ab"[n % 2]) for n in range(4)]
    source, calls = made(made_up.Tickets(*rows))
    pages = await lists(source, made_up, harness, "a", "b", "a")
    assert [made_up.shown(page) for page in pages] == [
        ["t002", "t000"],
        ["t003", "t001"],
        ["t002", "t000"],
    ]
    assert [body["parents"] for _, body in calls] == [["a", "b"]]


async def test_lists_that_may_take_several_pages_go_alone(
    made: Any, made_up: Any, harness: Any
) -> None:
    rows = [made_up.row(n, "ab"[n % 2]) for n in range(20)]
    source, calls = made(made_up.Tickets(*rows))  # ten rows a page
    pages = await lists(source, made_up, harness, "a", "b", first=5)
    assert [len(made_up.shown(page)) for page in pages] == [5, 5]
    assert [body["parents"] for _, body in calls] == [["a"], ["b"]]


@pytest.mark.parametrize(
    ("other", "shown"),
    [
        ((PageRequest(1), None), ["t003"]),
        ((PageRequest(2, Position(T0 + timedelta(minutes=3), "t003")), None), ["t001"]),
        ((PageRequest(2), frozenset({"subject"})), ["t003", "t001"]),
    ],
    ids=["another size", "another page", "other fields"],
)
async def test_lists_of_which_another_part_is_asked_for_go_apart(
    made: Any, made_up: Any, harness: Any, other: tuple[PageRequest, Any], shown: list[str]
) -> None:
    page, fields = other
    source, calls = made(made_up.Tickets(*(made_up.row(n, "ab"[n % 2]) for n in range(4))))
    reader, everything = source.children[Kind.TICKET], made_up.ALL
    (first,), (second,) = await asyncio.gather(
        reader.children_of(made_up.own("a"), PageRequest(2), everything, None, harness.within()),
        reader.children_of(made_up.own("b"), page, everything, fields, harness.within()),
    )
    assert (made_up.shown(first), made_up.shown(second)) == (["t002", "t000"], shown)
    assert [body["parents"] for _, body in calls] == [["a"], ["b"]]


async def test_a_list_cut_for_the_length_of_another_is_asked_for_alone(
    made: Any, made_up: Any, harness: Any
) -> None:
    """Four pages are read at most, and all of them are full of what the other has."""
    rows = [made_up.row(n, "b") for n in range(3)]
    source, calls = made(made_up.Tickets(*rows, *(made_up.row(n, "a") for n in range(10, 70))))
    long, short = await lists(source, made_up, harness, "a", "b", first=4)
    assert (made_up.shown(long), long.has_more) == (["t069", "t068", "t067", "t066"], True)
    assert (made_up.shown(short), short.has_more) == (["t002", "t001", "t000"], False)
    assert calls[-1][1]["parents"] == ["b"]


async def test_a_filtered_list_goes_alone(made: Any, made_up: Any, harness: Any) -> None:
    source, calls = made(made_up.Tickets(made_up.row(1, "a"), made_up.row(2, "b")))
    where = ChildFilter(ticket_status=frozenset({TicketStatus.OPEN}))
    reader = source.children[Kind.TICKET]
    await asyncio.gather(
        *(
            reader.children_of(made_up.own(one), PageRequest(2), where, None, harness.within())
            for one in "ab"
        )
    )
    assert len(calls) == 2


async def test_a_row_nobody_can_place_is_missing_only_for_whose_it_may_be(
    made: Any, made_up: Any, harness: Any
) -> None:
    rows = made_up.Tickets(made_up.row(1, "a"), made_up.row(2, "b"))

    def vendor(path: str, body: Any) -> Any:
        answer = rows(path, body)
        if "b" in body["parents"]:
            answer["rows"] += [{"id": "t003", "owners": ["b"]}]  # without a time
        return answer

    source, calls = made(vendor)
    first, second = await lists(source, made_up, harness, "a", "b")
    assert (made_up.shown(first), first.dropped) == (["t001"], 0)
    assert (made_up.shown(second), second.dropped) == (["t002"], 1)
    assert len(calls) == 3
