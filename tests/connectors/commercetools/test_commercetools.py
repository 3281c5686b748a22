"""commercetools in our words. The fixtures are made from the published schema."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.commercetools import mapping, queries
from connectors.commercetools.connector import SPEC
from connectors.reading import Reading, RowError
from connectors.spec import ChildrenAsk, SearchAsk, SinceAsk
from domain.customer import KeyKind, LookupKey
from domain.errors import SourceAuthError, SourceProtocolError, SourceUnavailable
from domain.ids import Kind, SourceKey
from domain.money import Money
from domain.provenance import System
from domain.records import Address, Contact, Order
from domain.vocabulary import Channel, OrderStatus, SystemKind, Verification

FIXTURES = Path(__file__).parents[2] / "fixtures" / "commercetools"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
AT = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
ROSA = "0e3e8d10-6d2e-4a53-b1f3-2f9cdd3b0a10"
OPTIONS = {"project": "lighthouse"}


def row(name: str) -> Any:
    data = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    return data["data"][name]["results"][0]


def reading(**said: Any) -> Reading:
    system = System(name="shop", kind=SystemKind.OMS, connector="commercetools")
    return Reading(system=system, fetched_at=NOW, **said)


def order(**changes: Any) -> Order:
    return mapping.order({**row("orders"), **changes}, reading())


def variables(request: Any) -> Any:
    return json.loads(request.body)["variables"]


def test_a_customer_in_our_words() -> None:
    rosa = mapping.contact(row("customers"), reading())
    assert isinstance(rosa, Contact)
    assert rosa.key == SourceKey("shop", Kind.CONTACT, ROSA)
    assert (rosa.full_name, rosa.emails) == ("Rosa Kowalski", ("Rosa.K@example.org",))
    assert rosa.phones == ("+447700900222", "01904 496 0101")
    assert rosa.address == Address(
        street="Mill Lane 12",
        city="York",
        region="North Yorkshire",
        postcode="YO1 7HH",
        country="GB",
    )
    assert rosa.birth_date == date(1980, 12, 24)
    assert rosa.verification is Verification.VERIFIED
    assert rosa.account_number == "AC-100074"
    assert mapping.contact(row("customers"), reading(customer_key="crm")).foreign_ids == (
        ("crm", "7"),
    )


def test_an_order_in_our_words() -> None:
    found = order()
    assert (found.number, found.status, found.raw_status) == (
        "A-1001",
        OrderStatus.SHIPPED,
        "Shipped",
    )
    assert found.total == Money(4990, "EUR")
    assert found.lines is not None
    assert (found.lines[0].sku, found.lines[0].title) == ("S-1", "Rote Schuhe")
    assert (found.lines[0].quantity, found.lines[0].price) == (2, Money(2495, "EUR"))
    assert found.shipments is not None
    (parcel,) = found.shipments
    assert (parcel.carrier, parcel.tracking_number) == ("DHL", "00340434161094021501")
    assert found.owner_ids == (ROSA,)
    assert found.channel is Channel.SELF_SERVICE
    assert found.occurred_at == AT


@pytest.mark.parametrize(
    ("state", "shipped", "status"),
    [
        ("Open", None, OrderStatus.PENDING),
        ("Open", "Pending", OrderStatus.PENDING),
        ("Confirmed", "Ready", OrderStatus.FULFILLING),
        ("Complete", "Delivered", OrderStatus.DELIVERED),
        ("Complete", None, OrderStatus.UNKNOWN),
        ("Cancelled", "Shipped", OrderStatus.CANCELLED),
    ],
)
def test_a_status_is_what_is_known(state: str, shipped: str | None, status: OrderStatus) -> None:
    assert order(orderState=state, shipmentState=shipped).status is status


def test_what_was_not_asked_for_is_not_known() -> None:
    bare = {k: v for k, v in row("orders").items() if k not in ("lineItems", "shippingInfo")}
    found = mapping.order(bare, reading())
    assert (found.lines, found.shipments) == (None, None)


def test_money_keeps_every_digit_of_its_currency() -> None:
    fine = {"centAmount": 123456, "currencyCode": "EUR", "fractionDigits": 4}
    assert order(totalPrice=fine, taxedPrice=None).total == Money(1235, "EUR")
    yen = {"centAmount": 500, "currencyCode": "JPY", "fractionDigits": 0}
    assert order(totalPrice=yen, taxedPrice=None).total == Money(500, "JPY")
    with pytest.raises(RowError):
        order(totalPrice={**yen, "centAmount": 5.5}, taxedPrice=None)


def test_pages_are_cut_by_place_and_never_by_offset() -> None:
    ask = ChildrenAsk(parents=[ROSA], limit=1, until=NOW, options=OPTIONS)
    asked = variables(queries.ask_orders_of(ask))
    assert asked["where"] == (
        f'customerId in ("{ROSA}") and createdAt <= "2026-11-22T09:00:00.000Z"'
    )
    assert asked["sort"] == ["createdAt desc", "id desc"]
    page = queries.read_orders_of({"data": {"orders": {"results": [row("orders")]}}}, ask)
    following = ChildrenAsk(parents=[ROSA], limit=1, cursor=page.cursor, options=OPTIONS)
    where = variables(queries.ask_orders_of(following))["where"]
    assert where.endswith(
        '(createdAt < "2026-02-01T08:00:00.000Z" or (createdAt = "2026-02-01T08:00:00.000Z"'
        ' and id < "5f1e8d10-6d2e-4a53-b1f3-2f9cdd3b0a10"))'
    )


def test_changes_run_by_time_and_everything_by_id() -> None:
    scan = variables(queries.ask_changed_orders(SinceAsk(since=None, options=OPTIONS)))
    assert (scan["where"], scan["sort"]) == (None, ["id asc"])
    since = variables(queries.ask_changed_customers(SinceAsk(since=AT, options=OPTIONS)))
    assert since["where"] == 'lastModifiedAt >= "2026-02-01T08:00:00.000Z"'
    assert since["sort"] == ["lastModifiedAt asc", "id asc"]


def test_nothing_gets_out_of_a_predicate() -> None:
    key = LookupKey(KeyKind.EMAIL, 'a" or email != "\\\n@example.com')
    asked = variables(queries.ask_by_email(SearchAsk(key=key, options=OPTIONS)))
    assert asked["where"] == 'lowercaseEmail = "a\\" or email != \\"\\\\@example.com"'


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("insufficient_scope", SourceAuthError),
        ("OverCapacity", SourceUnavailable),
        ("InvalidInput", SourceProtocolError),
    ],
)
async def test_a_no_that_looks_like_success_is_an_error(
    harness: Any, code: str, error: type[Exception]
) -> None:
    body = {"errors": [{"message": "planted words", "extensions": {"code": code}}], "data": None}
    source = harness.opened(SPEC, lambda _: httpx.Response(200, json=body), options=OPTIONS)
    got = (await source.gets[Kind.CONTACT].get_many([ROSA], None, harness.within()))[0]
    assert type(got) is error
    assert "planted" not in str(got)


async def test_a_token_is_asked_for_with_the_scopes_of_the_project(harness: Any) -> None:
    calls: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        if request.url.host.startswith("auth."):
            return httpx.Response(200, json={"access_token": "t", "expires_in": 172800})
        assert request.headers["authorization"] == "Bearer t"
        return httpx.Response(200, json={"data": {"customers": {"results": [row("customers")]}}})

    by_client = replace(SPEC, auth=SPEC.auth.ways[1])  # type: ignore[attr-defined]
    source = harness.opened(by_client, answer, options={**OPTIONS, "client_id": "app"})
    (got,) = await source.gets[Kind.CONTACT].get_many([ROSA], None, harness.within())
    assert isinstance(got, Contact)
    assert calls[0].url.host == "auth.europe-west1.gcp.commercetools.com"
    assert b"view_orders%3Alighthouse" in calls[0].content
