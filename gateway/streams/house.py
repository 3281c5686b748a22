"""Subscriptions, put together over a program."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, WebSocketRoute
from strawberry import Schema

from domain.events import EventStore
from gateway.auth import Doorkeeper
from gateway.config import Config
from gateway.desk.sessions import COOKIE, Sessions
from gateway.endpoint import GraphQLEndpoint
from gateway.hosts import Origin
from gateway.streams.bounds import Bounds
from gateway.streams.events import Events
from gateway.streams.signal import HEARD_POLL_S, POLL_S, RedisSignal, ToldEvents, open_signal
from gateway.streams.socket import Sockets
from gateway.streams.streams import Judge, NewOperation, Streams
from resolvers.caller import Caller
from resolvers.happenings import Activities, Changes, Hubs
from resolvers.hub import Hub

if TYPE_CHECKING:
    from domain.decisions import Decisions
    from domain.ports import IdentityGraph
    from gateway.bootstrap import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """The logs of a program as its processes follow them. `events` tells what it writes."""

    events: EventStore
    hubs: Hubs
    signal: RedisSignal | None

    @classmethod
    def over(
        cls,
        config: Config,
        events: EventStore,
        identity: "IdentityGraph",
        decisions: "Decisions",
    ) -> "Wire":
        url = config.redis.url.reveal()
        signal = open_signal(url, config.redis.timeout_s) if url else None

        def interval_s() -> float:
            return HEARD_POLL_S if signal is not None and signal.is_heard else POLL_S

        hubs = Hubs(
            activities=Hub(Activities(events, identity), interval_s=interval_s),
            changes=Hub(Changes(decisions, identity)),
        )

        def tell() -> None:
            hubs.activities.wake()
            if signal is not None:
                signal.tell()

        return cls(events=ToldEvents(events, tell), hubs=hubs, signal=signal)

    async def close(self) -> None:
        await self.hubs.activities.close()
        await self.hubs.changes.close()
        if self.signal is not None:
            await self.signal.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Where streams are open: what serves them, and what goes on beside."""

    streams: Streams
    events: Events
    sockets: Sockets
    wire: Wire
    path: str
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def route(self) -> BaseRoute:
        return WebSocketRoute(self.path, self.sockets.serve)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        beside = [asyncio.create_task(self.streams.watch())]
        if self.wire.signal is not None:
            wake = self.wire.hubs.activities.wake
            beside.append(asyncio.create_task(self.wire.signal.hear(wake)))
        try:
            yield
        finally:
            self.streams.drain()
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)


def house(
    program: "Program",
    schema: Schema,
    endpoint: GraphQLEndpoint,
    operation: NewOperation,
    people: "Listeners",
    *,
    path: str,
    hide_suggestions: bool,
    bounds: Bounds | None = None,
) -> House:
    streams = Streams(
        schema,
        operation,
        program.clock,
        program.telemetry,
        deadline_s=endpoint.limits.deadline_s,
        hide_suggestions=hide_suggestions,
        bounds=bounds,
    )
    patterns = [Origin.parse(text).pattern for text in program.config.server.allowed_origins]
    origins = re.compile("|".join(patterns)) if patterns else None
    return House(
        streams=streams,
        events=Events(streams, endpoint, people.judge),
        sockets=Sockets(streams, endpoint, people.judge, origins),
        wire=program.wire,
        path=path,
    )


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who listens: by a bearer token, by the session of a page of ours, or by nothing where callers
    may be without a token.
    """

    doorkeeper: Doorkeeper
    sessions: Sessions | None = None

    def judge(self, connection: HTTPConnection, authorization: str | None) -> Judge:
        """Asked again and again while a stream is open: a token that is gone ends it."""
        given = authorization or connection.headers.get("authorization")
        host = connection.headers.get("host")
        session = connection.cookies.get(COOKIE)

        async def caller() -> Caller:
            if given is None and session and self.sessions is not None:
                found = await self.sessions.find(connection, session)
                if found is not None:
                    return found.caller
            return self.doorkeeper.identify(given, host)

        return caller
