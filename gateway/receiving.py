"""Webhooks and the worker, put together over a program."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from gateway.mcp.mount import Agents
from gateway.reach import until_reached
from gateway.webhooks import Reception
from gateway.worker import Worker
from resolvers.announcing import Announcer
from resolvers.arrivals import Arrivals
from resolvers.events import Events, Listener, nobody
from resolvers.reconcile import reconcile
from resolvers.services import Services

if TYPE_CHECKING:
    from gateway.bootstrap import Program


def new_worker(program: "Program") -> Worker:
    """One for this process."""
    state = program.state
    # What is remembered in the process may be a moment old: here the store itself is asked.
    services = replace(program.services, records=state.records)
    intake = program.keeping.told(state.intake)
    arrivals = Arrivals(services, intake, state.identities, program.people.index)
    dice = Random()  # noqa: S311  # spreads waits, guards nothing

    async def reconciled(name: str) -> None:
        source = program.sources[name]
        await reconcile(source, services, state.arrivals, program.people.index)

    return Worker(
        inbox=state.inbox,
        events=Events(services, intake, arrivals, dice=dice, listener=_listener(program, services)),
        sources=[one.name for one in program.sources.values() if one.holds_people],
        reconcile=reconciled,
        resolve=program.resolve,
        resolve_s=program.config.identity.resolve_s,
        settings=program.config.inbox,
        clock=program.clock,
        telemetry=program.telemetry,
    )


def _listener(program: "Program", services: Services) -> Listener:
    return Announcer(services) if program.config.capabilities.live_record else nobody


def reception(program: "Program", worker: Worker) -> Reception:
    """The door for deliveries."""
    return Reception(
        sources=program.sources,
        inbox=program.state.inbox,
        clock=program.clock,
        telemetry=program.telemetry,
        public_url=program.config.server.public_url,
        body_bytes=program.config.inbox.body_bytes,
        nudge=worker.nudge,
    )


@asynccontextmanager
async def background(program: "Program", worker: Worker, agents: Agents) -> AsyncIterator[None]:
    """What goes on beside serving."""
    async with (
        agents.running(),
        until_reached(program.sources.values()),
        worker.running(applying=program.config.inbox.worker),
    ):
        yield
