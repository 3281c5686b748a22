"""From a vendor's event through inbox and worker to the next answer, in the whole program."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.httpx_sender import HttpxSender
from domain.ids import Kind, SourceKey, source_key
from domain.sources import ChangeKind, SourceEvent
from gateway import bootstrap
from gateway.bootstrap import Program
from gateway.config_file import checked
from gateway.receiving import new_worker
from sandbox.seed import build_world
from sandbox.server import Sandbox

QUERY = """query ($email: String!) { customer(by: { email: $email }) { orders(first: 50) {
  sources { checkedAt lastSuccessAt latencyMs }
  nodes { id status provenance { servedFrom fetchedAt } } } } }"""


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox(build_world(people=2))


@pytest.fixture(params=["in the process", "in Redis"])
def tables(request: pytest.FixtureRequest, redis_url: str) -> dict[str, Any]:
    return {"redis": {"url": redis_url}} if request.param == "in Redis" else {}


@pytest.fixture
async def program(
    sandbox: Sandbox, tables: dict[str, Any], tmp_path: Path
) -> AsyncIterator[Program]:
    shop = {
        "connector": "shopify",
        "base_url": "http://shopify",
        "token": {"env": "T"},
        "phone_region": "GB",
    }
    url = f"sqlite:///{tmp_path / 'own.db'}"
    told = {"sources": {"shop": shop}, "state": {"url": url}, **tables}
    config = checked(told, {"T": sandbox.credentials["shopify"]["token"]})
    transport = httpx.ASGITransport(app=sandbox.gates["shopify"])
    async with bootstrap.opened(config, new_sender=lambda: HttpxSender(transport)) as opened:
        yield opened


async def _orders(client: httpx.AsyncClient, sandbox: Sandbox) -> Any:
    buyer = next(sandbox.world.orders.live()).customer_id
    row = sandbox.world.shop_customers.get(buyer or "")
    assert row is not None
    body = {"query": QUERY, "variables": {"email": row.email}}
    answer = (await client.post("/graphql", json=body)).json()
    assert "errors" not in answer, answer["errors"]
    return answer["data"]["customer"]["orders"]


async def test_an_order_that_a_vendor_tells_has_changed_is_new_in_the_next_answer(
    program: Program, sandbox: Sandbox
) -> None:
    app = httpx.ASGITransport(app=bootstrap.application(program))
    async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1") as client:
        live, kept = await _orders(client, sandbox), await _orders(client, sandbox)
        assert _served(live) == {"LIVE"}
        assert _served(kept) == {"CACHE"}
        assert [one["id"] for one in kept["nodes"]] == [one["id"] for one in live["nodes"]]
        assert kept["sources"][0]["checkedAt"] <= live["sources"][0]["checkedAt"]
        assert kept["sources"][0]["latencyMs"] is None

        node = live["nodes"][0]
        key = source_key(node["id"])
        cancelled = _cancelled(sandbox, key, node["status"])
        assert _served(await _orders(client, sandbox)) == {"CACHE"}, "nobody has told us"
        event = SourceEvent(event_id=f"e{cancelled}", key=key, change=ChangeKind.CHANGED)
        await program.state.inbox.append([event])
        while await new_worker(program).apply_some():
            pass
        after = await _orders(client, sandbox)
        assert _served(after) == {"LIVE"}
        assert after["nodes"][0]["status"] != node["status"]


def _cancelled(sandbox: Sandbox, key: SourceKey, status: str) -> int:
    """Other than it was, whatever it was."""
    orders = sandbox.world.orders
    (row,) = [one for one in orders.live() if key.external_id.endswith(one.id)]
    assert key.kind is Kind.ORDER
    other = None if status == "CANCELLED" else sandbox.world.now()
    orders.change(row.id, cancelled_at=other)
    return len(orders)


def _served(orders: Any) -> set[str]:
    return {one["provenance"]["servedFrom"] for one in orders["nodes"]}
