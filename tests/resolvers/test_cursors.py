import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InputError, PageTooLarge
from domain.ids import Kind
from resolvers.connection import page_size
from resolvers.cursors import Place, decode, encode, place


@given(external_id=st.text(), microseconds=st.integers(0, 10**12))
def test_a_cursor_leads_back_to_its_place(external_id, microseconds, fakes):
    world = fakes.World()
    at = fakes.NOW - fakes.timedelta(microseconds=microseconds)
    order = world.order("s1", external_id, at)
    assert decode(Kind.ORDER, encode(Kind.ORDER, order)) == place(order)


def cursor(*parts):
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "!!!!",
        "é",
        "AAAA",
        cursor(),
        cursor("ticket", "2026-03-02T09:00:00+00:00", "1", "shop"),
        cursor("order", "2026-03-02T09:00:00", "1", "shop"),
        cursor("order", "yesterday", "1", "shop"),
        cursor("order", 7, "1", "shop"),
        cursor("order", "2026-03-02T09:00:00+00:00", 1, "shop"),
        cursor("order", "2026-03-02T09:00:00+00:00", "1", None),
        cursor("order", "0001-01-01T00:00:00+14:00", "1", "shop"),
        base64.urlsafe_b64encode(b"[" * 50_000).decode(),
    ],
)
def test_anything_else_is_the_callers_mistake(text):
    with pytest.raises(InputError, match="after: not a cursor"):
        decode(Kind.ORDER, text)


def test_places_are_told_apart_by_their_source_last(fakes):
    one, other = Place(fakes.NOW, "1", "crm"), Place(fakes.NOW, "1", "shop")
    assert one < other
    assert one.position("shop").external_id == "1"
    assert other.position("crm").external_id == "1\0"


@pytest.mark.parametrize(
    ("first", "error"), [(101, PageTooLarge), (0, InputError), (-1, InputError)]
)
def test_a_page_holds_one_to_a_hundred(first, error):
    with pytest.raises(error):
        page_size(first)


@pytest.mark.parametrize("first", [1, 100])
def test_a_page_of_an_allowed_size_is_that_size(first):
    assert page_size(first) == first


def test_contacts_have_no_place_in_a_list_by_time(world):
    with pytest.raises(TypeError):
        place(world.contact("crm", "1"))
