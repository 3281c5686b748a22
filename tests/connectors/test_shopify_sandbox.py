"""The Shopify connector against the emulated platform: same rows, and as few calls as promised.

The emulator counts the points of each query as published answers showed them and refuses what costs
more than 1,000.
"""

import asyncio
import json
from datetime import timedelta
from math import ceil

import httpx
import pytest

from connectors.shopify import queries
from connectors.spec import ChildrenAsk, GetAsk
from domain.customer import KeyKind, LookupKey
from domain.errors import SourceRateLimited
from domain.ids import Kind
from domain.money import from_major
from domain.sources import ChildFilter, PageRequest, Parent, ParentBy, Position
from domain.vocabulary import Channel, OrderStatus
from sandbox.faults import Fault, FaultKind
from sandbox.shopify import TOKEN, build

FIRST = 20


@pytest.fixture
def shop(sandboxed):
    return sandboxed("shopify")


def within(seconds=5.0):
    return asyncio.get_running_loop().time() + seconds


def customers(shop):
    return [*shop.world.shop_customers.live()]


def orders_of(shop, customer_id):
    rows = [row for row in shop.world.orders.live() if row.customer_id == customer_id]
    return [row.id for row in sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)]


def children(shop, parents, page=None, fields=None, by=ParentBy.OWN):
    asked = [Parent(by, value) for value in parents]
    return shop.source.children[Kind.ORDER].children_of(
        asked, page or PageRequest(FIRST), ChildFilter(), fields, within()
    )


async def read_all(shop, cursor=None):
    records, pages = {}, 0
    while True:
        page = await shop.source.changes[Kind.CONTACT].changed_since(cursor, within())
        records |= {record.key.external_id: record for record in page.records}
        cursor, pages = page.cursor, pages + 1
        if not page.more:
            return records, cursor, pages


async def test_customers_are_read_in_batches_and_in_order(sandboxed):
    shop = sandboxed("shopify", people=320)
    rows = customers(shop)
    assert len(rows) > 200
    ids = [rows[0].id, "1", *(row.id for row in rows), rows[0].id, "gid://shopify/Customer/1"]
    got = await shop.source.gets[Kind.CONTACT].get_many(ids, None, within())
    found = [record and record.key.external_id for record in got]
    assert found == [rows[0].id, None, *ids[2:-1], None]
    assert shop.calls.count() == ceil((len(rows) + 1) / 200)
    assert (got[0].given_name, got[0].family_name) == (rows[0].first_name, rows[0].last_name)


async def test_orders_are_read_whole_in_batches_the_vendor_can_afford(shop):
    rows = [*shop.world.orders.live()][:100]
    got = await shop.source.gets[Kind.ORDER].get_many([row.id for row in rows], None, within())
    assert shop.calls.count() == ceil(len(rows) / 50)
    for record, row in zip(got, rows, strict=True):
        assert (record.number, record.owner_ids) == (row.name, (row.customer_id,))
        assert record.total == from_major(row.total, row.currency)
        assert [line.sku for line in record.lines] == [line.sku for line in row.lines]
        assert [line.price for line in record.lines] == [
            from_major(line.unit_price, row.currency) for line in row.lines
        ]
        assert [s.tracking_number for s in record.shipments] == [
            s.tracking_number for s in row.shipments
        ]
        assert record.channel is (Channel.STORE if row.till else Channel.SELF_SERVICE)
        assert record.status is not OrderStatus.UNKNOWN


async def test_every_fate_of_an_order_has_a_status(sandboxed):
    shop = sandboxed("shopify", people=320)
    rows = {row.id: row for row in shop.world.orders.live()}
    got = await shop.source.gets[Kind.ORDER].get_many(
        [*rows], frozenset({"status", "raw_status"}), within()
    )
    found = {record.status for record in got}
    assert found == set(OrderStatus) - {OrderStatus.UNKNOWN, OrderStatus.RETURNED}
    for record in got:
        row = rows[record.key.external_id]
        assert (record.status is OrderStatus.CANCELLED) == (row.cancelled_at is not None)
        if row.till:
            assert record.status is OrderStatus.DELIVERED


@pytest.mark.parametrize("fields", [None, frozenset({"number", "status", "total"})])
async def test_orders_of_fifty_customers_are_one_question(shop, fields):
    ids = [row.id for row in customers(shop)][:50]
    assert len(ids) == 50
    expected = [orders_of(shop, customer_id) for customer_id in ids]
    pages = await children(shop, ids, fields=fields)
    assert [[r.key.external_id for r in page.items] for page in pages] == expected
    assert not any(page.has_more or page.dropped for page in pages)
    assert shop.calls.count() == ceil(sum(map(len, expected)) / 250) == 1


async def test_a_question_costs_what_was_reckoned(shop):
    """The emulator reckons by itself; what differs would be refused or waited for in vain."""
    ids = [row.id for row in customers(shop)][:50]
    order_ids = [row.id for row in shop.world.orders.live()][:50]
    few = frozenset({"status"})
    for request in (
        queries.ask_customers(GetAsk(ids=ids)),
        queries.ask_orders(GetAsk(ids=order_ids)),
        queries.ask_orders(GetAsk(ids=order_ids, fields=few)),
        queries.ask_orders_of(ChildrenAsk(parents=ids, limit=250)),
        queries.ask_orders_of(ChildrenAsk(parents=ids, limit=21, fields=few)),
        queries.ask_customers_by_phone(GetAsk(ids=["+447700900123"])),
    ):
        cost = await requested_cost(shop, request)
        assert request.cost == cost, request


async def requested_cost(shop, request):
    transport = httpx.ASGITransport(app=build(shop.world))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as client:
        headers = {"x-shopify-access-token": TOKEN, "content-type": "application/json"}
        reply = await client.post(request.path, content=request.body, headers=headers)
    data = reply.json()
    assert "errors" not in data, data
    return data["extensions"]["cost"]["requestedQueryCost"]


async def test_pages_of_one_customers_orders_follow_each_other(shop):
    customer_id = max((r.id for r in customers(shop)), key=lambda one: len(orders_of(shop, one)))
    seen, after = [], None
    while True:
        (page,) = await children(shop, [customer_id], PageRequest(2, after))
        seen += [record.key.external_id for record in page.items]
        if not page.has_more:
            break
        after = Position(page.items[-1].occurred_at, page.items[-1].key.external_id)
    assert seen == orders_of(shop, customer_id)
    assert len(seen) > 4


async def test_orders_are_found_by_e_mail_without_a_detour(shop):
    rows = [row for row in customers(shop) if row.email and orders_of(shop, row.id)][:10]
    pages = await children(shop, [row.email.upper() for row in rows], by=ParentBy.EMAIL)
    for row, page in zip(rows, pages, strict=True):
        assert set(orders_of(shop, row.id)) <= {record.key.external_id for record in page.items}
    assert shop.calls.count() == 1


async def test_orders_are_found_by_phone_through_the_customer(shop):
    rows = [row for row in customers(shop) if row.phone and orders_of(shop, row.id)][:10]
    pages = await children(shop, [row.phone for row in rows], by=ParentBy.PHONE)
    for row, page in zip(rows, pages, strict=True):
        assert set(orders_of(shop, row.id)) <= {record.key.external_id for record in page.items}
    assert shop.calls.count() == 2


async def test_people_are_found_by_each_key(shop):
    row = next(r for r in customers(shop) if r.email and r.phone and orders_of(shop, r.id))
    order = shop.world.orders.get(orders_of(shop, row.id)[0])
    for kind, value in (
        (KeyKind.EMAIL, row.email.upper()),
        (KeyKind.PHONE, row.phone),
        (KeyKind.ORDER_NUMBER, order.name),
        (KeyKind.ORDER_NUMBER, order.name.lstrip("#")),
        (KeyKind.EXTERNAL, row.id),
    ):
        key = LookupKey(kind, value, "here" if kind is KeyKind.EXTERNAL else "")
        found = await shop.source.search.search(key, within())
        assert row.id in {contact.key.external_id for contact in found}, kind


async def test_everybody_is_read_and_then_what_changed(sandboxed, clock):
    shop = sandboxed("shopify", people=420)
    records, cursor, pages = await read_all(shop)
    assert set(records) == {row.id for row in customers(shop)}
    assert pages == ceil(len(records) / 250) > 1
    changed = customers(shop)[3]
    clock.advance(timedelta(minutes=30))
    shop.world.shop_customers.change(changed.id, first_name="Renamed")
    clock.advance(timedelta(minutes=1))
    found, later, _ = await read_all(shop, cursor)
    assert {one: record.given_name for one, record in found.items()} == {changed.id: "Renamed"}
    assert set((await read_all(shop, cursor))[0]) == {changed.id}
    clock.advance(timedelta(days=3))
    assert set((await read_all(shop, later))[0]) == {changed.id}


async def test_a_throttled_query_says_how_long_to_wait(shop):
    ids = [customers(shop)[0].id]
    shop.faults.add(Fault(kind=FaultKind.RATE_LIMITED, retry_after_s=30))
    (got,) = await shop.source.gets[Kind.CONTACT].get_many(ids, None, within(1.0))
    assert isinstance(got, SourceRateLimited)
    assert got.retry_after_s == pytest.approx(30, abs=1)


async def test_only_what_is_asked_for_goes_over_the_wire(shop):
    ids = [row.id for row in customers(shop)][:5]
    await children(shop, ids, fields=frozenset({"number"}))
    document = json.loads(shop.calls.recent[-1].body)["query"]
    assert "lineItems" not in document
    assert "fulfillments" not in document
