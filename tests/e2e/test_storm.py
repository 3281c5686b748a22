"""A storm of webhooks (repeated, out of order, updates before creations, a kill in the middle) ends
where a calm run ends.

Both are runs over one world: the storm meets `knownas serve` in a process that can be killed, the
calm run the same program in this one. A storm of more than 10,000 deliveries is `make storm`.
"""

import asyncio
import logging
import os
import socket
import sqlite3
import time
from collections import Counter
from contextlib import asynccontextmanager, closing
from random import Random
from types import SimpleNamespace

import httpx
import pytest

from gateway.bootstrap import application, opened
from gateway.config_file import load
from gateway.receiving import new_worker
from sandbox.postman import Postman
from sandbox.rows import ChatContact, CrmContact, ShopCustomer, TicketUser
from sandbox.seed import build_world
from sandbox.server import Sandbox
from sandbox.vendors import VENDORS

logger = logging.getLogger(__name__)

CHANGES = int(os.environ.get("KNOWNAS_STORM", "100"))
PEOPLE = max(30, CHANGES // 5)
SHARE = 0.1
"""Of the storm's deliveries: repeated, and again out of order."""
SECRET = "webhook-secret-of-the-storm"
SYSTEMS = {"crm": "hubspot", "shop": "shopify", "desk": "zendesk", "chat": "intercom"}
DRAIN_S = 120 + CHANGES / 5
START_S = 300
AGREEMENT = 0.98
"""Of the customers as they were settled live. A record is settled among those that were there when
it came, so that the order shows here and there, until a worker resolves everything, as it does once
a day: then not at all.
"""
GUST = 20
"""So many changes at once, then the postmen get their turn."""


class Weather:
    """Changes of every kind, from a seed."""

    def __init__(self, world, http, url, token):
        self.world, self.dice, self.happened = world, Random(11), Counter()
        self._http, self._url, self._token = http, url, token
        self._names = {
            world.crm_contacts: "lastname",
            world.shop_customers: "last_name",
            world.ticket_users: "name",
            world.chat_contacts: "name",
        }

    async def change(self):
        kinds = {
            self.create: 5,  # more than go, in the CRM most of all, or a long storm ends in a void
            self.update: 4,
            self.thing: 4,
            self.remove: 1,
            self.merge: 1,
        }
        (kind,) = self.dice.choices(list(kinds), list(kinds.values()))
        self.happened[kind.__name__] += 1
        await kind()

    async def create(self):
        """A row more of somebody, changed at once: out of order, the update comes first."""
        table = self.dice.choice([self.world.crm_contacts, *self._names])
        one = self._person()
        stamps = {"created_at": self.world.now(), "updated_at": self.world.now()}
        made = {"id": table.next_id(), **stamps}
        rows = {
            self.world.crm_contacts: lambda: CrmContact(
                **made, firstname=one.given_name, phone=one.phone, email=f"{made['id']}@x.example"
            ),
            self.world.shop_customers: lambda: ShopCustomer(
                **made, first_name=one.given_name, email=one.email
            ),
            self.world.ticket_users: lambda: TicketUser(
                **made, name=one.given_name, email=one.email
            ),
            self.world.chat_contacts: lambda: ChatContact(
                **made, name=one.given_name, email=one.email
            ),
        }
        self._rename(table, table.add(rows[table]()))

    async def update(self):
        table = self.dice.choice(list(self._names))
        self._rename(table, self._some(table))

    async def thing(self):
        world = self.world
        table = self.dice.choice((world.orders, world.tickets, world.conversations))
        table.change(self._some(table).id)

    async def remove(self):
        """Archived in the CRM, where it can be merged no more; erased elsewhere."""
        world = self.world
        table = self.dice.choice((world.crm_contacts, world.shop_customers, world.chat_contacts))
        row = self._some(table)
        (table.remove if table is world.crm_contacts else table.erase)(row.id)

    async def merge(self):
        one, other = self._some(self.world.crm_contacts), self._some(self.world.crm_contacts)
        if one.id == other.id:
            return
        body = {"primaryObjectId": one.id, "objectIdToMerge": other.id}
        headers = {"authorization": f"Bearer {self._token}"}
        url = f"{self._url}/crm/v3/objects/contacts/merge"
        (await self._http.post(url, json=body, headers=headers)).raise_for_status()

    def _rename(self, table, row):
        table.change(row.id, **{self._names[table]: self._person().family_name})

    def _person(self):
        return self.dice.choice(list(self.world.people.values()))

    def _some(self, table):
        staff = {"agent", "admin"}
        return self.dice.choice([r for r in table.live() if getattr(r, "role", "") not in staff])


class Store:
    """What a run left behind."""

    def __init__(self, path):
        self.path = path

    def rows(self, what):
        with closing(sqlite3.connect(self.path, timeout=60)) as connection:
            return connection.execute(f"select {what}").fetchall()

    @property
    def waiting(self):
        return self.rows("count(*) from inbox where state = 'waiting'")[0][0]

    @property
    def told(self):
        return self.rows("source, event_id from inbox order by 1, 2")

    @property
    def together(self):
        """Which records are one customer."""
        found = {}
        for customer, key in sorted(self.rows("customer, key from memberships")):
            found.setdefault(customer, []).append(key)
        return sorted(map(tuple, found.values()))

    def end(self):
        """All that is known, but for when it was learned; and of the dead only that they are."""
        return {
            "living": sorted(
                self.rows("key, updated_at, hex(digest) from contacts where body is not null")
            ),
            "dead": sorted(self.rows("key from contacts where body is null")),
            "found by": sorted(self.rows("key, kind, scope, value from contact_identifiers")),
            "put aside": self.rows("source, reason from inbox where state = 'dead'"),
        }


class Storm:
    """`knownas serve` in a process of its own, on a port that it keeps over a kill."""

    def __init__(self, deployed):
        self.deployed, self.port = deployed, free_port()
        self.store = Store(deployed.state)

    def address(self, source):
        return f"http://127.0.0.1:{self.port}/webhooks/{source}"

    @asynccontextmanager
    async def serving(self):
        with self.deployed.started("serve", "--port", str(self.port)) as process:
            await asyncio.to_thread(self._until_it_listens, process)
            yield process

    def _until_it_listens(self, process):
        limit = time.monotonic() + START_S
        while process.poll() is None and time.monotonic() < limit:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/healthz")
                return
            except httpx.TransportError:
                time.sleep(0.05)
        pytest.fail(f"knownas serve did not come to listen: {self.deployed.told}")

    async def drained(self):
        limit = time.monotonic() + DRAIN_S
        while waiting := self.store.waiting:
            assert time.monotonic() < limit, f"{waiting} wait: {self.deployed.told[-2000:]}"
            await asyncio.sleep(0.1)


class Calm:
    """The program in this process, told of each change once and in order."""

    def __init__(self, world, program):
        self.program, self.worker = program, new_worker(program)
        self.transport = httpx.ASGITransport(app=application(program))
        self.notices = []
        self._world, self._hooks = world, hooks()
        world.listeners.append(self._hear)

    def _hear(self, change):
        for notice in self._hooks[change.system].notices(change):
            self.notices.append((change.system, notice))

    async def deliver(self):
        names = {vendor: name for name, vendor in SYSTEMS.items()}
        async with httpx.AsyncClient(transport=self.transport) as http:
            for system, notice in self.notices:
                url = f"http://127.0.0.1/webhooks/{names[system]}"
                headers = self._hooks[system].signed(notice, url, SECRET, self._world.now())
                answer = await http.post(url, content=notice.body, headers=headers)
                assert answer.status_code == 200, answer.text
        self.notices.clear()
        while await self.worker.apply_some():
            pass


def hooks():
    return {vendor.name: vendor.hooks() for vendor in VENDORS}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def deployed(deploy):
    """A deployment over the sandbox of this test, with webhooks."""

    def made(sandbox, state=None):
        platforms = SimpleNamespace(
            urls={name: sandbox.urls[vendor] for name, vendor in SYSTEMS.items()},
            credentials={name: sandbox.credentials[vendor] for name, vendor in SYSTEMS.items()},
        )
        one = deploy(state, on=platforms)
        one.env["HOOKS"] = SECRET
        one.configure(sources={name: {"webhook_secret": {"env": "HOOKS"}} for name in SYSTEMS})
        return one

    return made


async def test_a_storm_with_a_kill_in_the_middle_ends_where_a_calm_run_does(deployed):
    world = build_world(PEOPLE, 7)
    async with Sandbox(world) as sandbox, httpx.AsyncClient() as http:
        first = deployed(sandbox)
        async with opened(load(first.config, first.env)) as program:
            await program.sync(program.sources.values())
            await program.resolve()
        storm, second = Storm(deployed(sandbox, first.state)), deployed(sandbox, first.state)
        token = sandbox.credentials["hubspot"]["token"]
        weather = Weather(world, http, sandbox.urls["hubspot"], token)
        async with (
            opened(load(second.config, second.env)) as program,
            Postman(world, hooks(), duplicates=SHARE, disorder=SHARE) as wild,
        ):
            calm = Calm(world, program)
            for name, vendor in SYSTEMS.items():
                wild.subscribe(vendor, storm.address(name), SECRET)
            started = time.monotonic()
            async with storm.serving() as process:
                await blow(weather, CHANGES // 2)
                process.kill()
                await blow(weather, CHANGES // 20)
            async with storm.serving():
                await blow(weather, CHANGES - CHANGES // 2 - CHANGES // 20)
                await wild.delivered()
                delivered_s = time.monotonic() - started
                await storm.drained()
                applied_s = time.monotonic() - started
            await calm.deliver()
            live = storm.store.together, Store(second.state).together
            await calm.worker.resolve_all(asyncio.Event())
        async with opened(load(storm.deployed.config, storm.deployed.env)) as program:
            await new_worker(program).resolve_all(asyncio.Event())
        told = len(storm.store.told)
        tell = "%s %s: %s events; delivered in %.0f s, applied in %.0f s; live agreement %.4f of %s"
        figures = delivered_s, applied_s, agreement(*live), len(live[0])
        # The level at which `make storm` shows this line and not one for each of its requests.
        logger.warning(tell, dict(weather.happened), wild.tally, told, *figures)
        assert wild.tally.repeated
        assert wild.tally.disordered
        assert wild.tally.refused, "the kill was noticed"
        assert storm.store.told == Store(second.state).told, "none lost, none taken twice"
        ended = storm.store.end()
        assert ended == Store(second.state).end()
        assert storm.store.together == Store(second.state).together
        assert agreement(*live) >= AGREEMENT
        assert ended["put aside"] == []
        assert len(ended["living"]) > PEOPLE
        assert ended["dead"]


def agreement(one, other):
    """The share of customers that both have."""
    return len(set(one) & set(other)) / max(len(one), len(other))


async def blow(weather, changes):
    for number in range(changes):
        await weather.change()
        if number % GUST == GUST - 1:
            await asyncio.sleep(0.01)
