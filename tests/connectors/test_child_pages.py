"""Lists of many parents made pages, whatever order their source told them in."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from connectors.childpages import Read, pages_of, rank_of
from domain.ids import Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import Order, Record
from domain.sources import ChildPage
from domain.vocabulary import SystemKind

SHOP = System(name="shop", kind=SystemKind.OMS, connector="rest")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def order(name: str, hours: int) -> Order:
    source = Provenance(system=SHOP, external_id=name, fetched_at=NOON)
    key = SourceKey("shop", Kind.ORDER, name)
    return Order(key=key, provenance=source, occurred_at=NOON + timedelta(hours=hours))


def read(*lists: tuple[Order, ...], more: bool = False, dropped: int = 0) -> Read:
    items: list[dict[str, Record]] = [{one.key.external_id: one for one in some} for some in lists]
    return Read(items, more, None, dropped)


@pytest.mark.parametrize("told", list(permutations([("a", 1), ("b", 2), ("c", 2), ("d", 3)])))
def test_newest_come_first_and_equal_times_by_id(told: tuple[tuple[str, int], ...]) -> None:
    (page,) = pages_of(read(tuple(order(*one) for one in told)), rank_of(Kind.ORDER), 3)
    assert isinstance(page, ChildPage)
    assert [one.key.external_id for one in page.items] == ["d", "c", "b"]
    assert page.has_more


def test_who_has_nothing_is_told_what_is_said_of_all() -> None:
    found = read((), (order("a", 1),), (), more=True, dropped=2)
    pages = pages_of(found, rank_of(Kind.ORDER), 5)
    assert all(isinstance(one, ChildPage) and one.has_more and one.dropped == 2 for one in pages)
    assert [len(one.items) for one in pages if isinstance(one, ChildPage)] == [0, 1, 0]
