"""What requests are put together by: compared and hashed as tuples, shown without people's data."""

import pytest

from domain.customer import KeyKind, LookupKey
from domain.provenance import Freshness
from domain.sources import ChildFilter, PageRequest, Parent, ParentBy
from domain.vocabulary import OrderStatus


@pytest.mark.parametrize(
    "key",
    [
        LookupKey(KeyKind.EMAIL, "ann@example.com"),
        LookupKey(KeyKind.HANDLE, "ann@example.com", "twitter"),
        Parent(ParentBy.EMAIL, "ann@example.com"),
    ],
)
def test_a_key_shows_its_kind_and_never_whom_it_is_about(key):
    for shown in (repr(key), str(key), f"{key}", f"{[key]!r}"):
        assert key[0].value in shown
        assert "ann" not in shown


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LookupKey(KeyKind.EMAIL, "a"), LookupKey(KeyKind.PHONE, "a")),
        (LookupKey(KeyKind.HANDLE, "a", "x"), LookupKey(KeyKind.HANDLE, "a", "y")),
        (Parent(ParentBy.OWN, "a"), Parent(ParentBy.FOREIGN, "a")),
        (PageRequest(1), PageRequest(2)),
        (ChildFilter(), ChildFilter(order_status=frozenset({OrderStatus.PENDING}))),
        (Freshness(), Freshness(allow_stale=False)),
    ],
)
def test_what_differs_in_one_part_is_another_key(one, other):
    assert one != other
    assert len({one, other, type(one)(*one)}) == 2
