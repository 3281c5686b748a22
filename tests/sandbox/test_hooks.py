"""What the platforms tell by themselves: what of, signed how, and until it is taken."""

import asyncio
import base64
import hashlib
import hmac
import json
from contextlib import asynccontextmanager

import pytest

from sandbox.hubspot.contacts import Contacts
from sandbox.postman import Postman
from sandbox.seed import build_world
from sandbox.vendors import VENDORS


@pytest.fixture
def world():
    return build_world(12, 7)


@pytest.fixture
def told(world):
    """What each platform tells, as it tells it."""
    found = []
    hooks = {vendor.name: vendor.hooks() for vendor in VENDORS}
    world.listeners.append(
        lambda change: found.extend(
            (change.system, notice) for notice in hooks[change.system].notices(change)
        )
    )
    return found


def bodies(told):
    return [json.loads(notice.body) for _, notice in told]


def first(table):
    return next(iter(table.live()))


def test_seeding_tells_nothing_and_a_change_is_told_once(world, told):
    world.crm_contacts.change(first(world.crm_contacts).id, lastname="Okafor")
    (event,) = bodies(told)[0]
    assert event["subscriptionType"] == "contact.propertyChange"
    assert event["objectId"] == int(first(world.crm_contacts).id)


def test_a_merge_is_told_as_a_merge_and_nothing_more_of_the_two(world, told):
    one, other, *_ = world.crm_contacts.live()
    merged = Contacts(world).merge(one.id, other.id)
    ((event,),) = bodies(told)
    assert event["subscriptionType"] == "contact.merge"
    assert event["newObjectId"] == int(merged.id)
    assert {event["primaryObjectId"], *event["mergedObjectIds"]} == {int(one.id), int(other.id)}


def test_the_shop_says_what_happened_in_a_header_and_erasing_is_a_privacy_topic(world, told):
    order, customer = first(world.orders), first(world.shop_customers)
    world.orders.change(order.id)
    world.shop_customers.erase(customer.id)
    topics = [notice.headers["x-shopify-topic"] for _, notice in told]
    assert topics == ["orders/updated", "customers/redact"]
    assert bodies(told)[1]["customer"] == {"id": int(customer.id)}


def test_the_desk_and_the_chat_name_the_row_and_what_became_of_it(world, told):
    user, ticket = first(world.ticket_users), first(world.tickets)
    chat, talk = first(world.chat_contacts), first(world.conversations)
    world.ticket_users.remove(user.id)
    world.tickets.change(ticket.id)
    world.chat_contacts.erase(chat.id)
    world.conversations.change(talk.id)
    desk, case, gone, said = bodies(told)
    assert (desk["type"], desk["detail"]["id"]) == ("zen:event-type:user.deleted", user.id)
    assert (case["type"], case["detail"]["id"]) == (
        "zen:event-type:ticket.status_changed",
        ticket.id,
    )
    assert (gone["topic"], gone["data"]["item"]["id"]) == ("contact.deleted", chat.id)
    assert (said["topic"], said["data"]["item"]["id"]) == ("conversation.user.replied", talk.id)


def test_what_is_told_has_an_id_of_its_own(world, told):
    for _ in range(3):
        for table in world.tables():
            table.change(first(table).id)
    ids = [
        notice.headers.get("x-shopify-webhook-id")
        or (body[0]["eventId"] if isinstance(body, list) else body["id"])
        for (_, notice), body in zip(told, bodies(told), strict=True)
    ]
    assert len(set(ids)) == len(ids) == 21


class Taker:
    """Answers 503 so many times, then 200; what it took, as (path, headers, body)."""

    def __init__(self, refusals):
        self.refusals, self.taken, self.port = refusals, [], 0
        self.serving = []

    async def __call__(self, reader, writer):
        self.serving.append(asyncio.current_task())
        while head := await self._head(reader):
            line, *lines = head.decode().split("\r\n")
            headers = dict(one.lower().split(": ", 1) for one in lines if one)
            body = await reader.readexactly(int(headers["content-length"]))
            status = b"503 No" if self.refusals > 0 else b"200 OK"
            if self.refusals <= 0:
                self.taken.append((line.split()[1], headers, body))
            self.refusals -= 1
            writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def _head(self, reader):
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""


@asynccontextmanager
async def taking(refusals=0):
    taker = Taker(refusals)
    server = await asyncio.start_server(taker, "127.0.0.1", 0)
    async with server:
        taker.port = server.sockets[0].getsockname()[1]
        yield taker
        await asyncio.gather(*taker.serving)


def postman(world, **how):
    return Postman(world, {vendor.name: vendor.hooks() for vendor in VENDORS}, **how)


async def test_a_delivery_is_signed_and_made_again_until_it_is_taken(world):
    async with taking(refusals=2) as taker, postman(world) as carrier:
        carrier.subscribe("shopify", f"http://127.0.0.1:{taker.port}/webhooks/shop?a=1", "secret")
        world.shop_customers.change(first(world.shop_customers).id)
        await carrier.delivered()
    ((path, headers, body),) = taker.taken
    assert path == "/webhooks/shop?a=1"
    mac = hmac.new(b"secret", body, hashlib.sha256).digest()
    # The header's name and value came in lower case above.
    assert headers["x-shopify-hmac-sha256"] == base64.b64encode(mac).decode().lower()
    assert (carrier.tally.told, carrier.tally.taken, carrier.tally.refused) == (1, 1, 2)


async def test_some_are_repeated_and_some_come_late(world):
    async with taking() as taker, postman(world, duplicates=0.2, disorder=0.2) as carrier:
        carrier.subscribe("zendesk", f"http://127.0.0.1:{taker.port}/x", "secret")
        row = first(world.tickets)
        for _ in range(100):
            world.tickets.change(row.id)
        await carrier.delivered()
    ids = [json.loads(body)["id"] for _, _, body in taker.taken]
    assert len(set(ids)) == 100
    assert len(ids) == 100 + carrier.tally.repeated
    assert 5 < carrier.tally.repeated < 40
    assert 5 < carrier.tally.disordered < 40


async def test_a_platform_that_tells_nothing_cannot_be_subscribed_to(world):
    with pytest.raises(ValueError, match="sends no webhooks"):
        Postman(world, {}).subscribe("hubspot", "http://127.0.0.1:1/", "s")
