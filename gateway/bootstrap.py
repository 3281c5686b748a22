"""Everything, built once from the configuration, and taken down again in order."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.routing import Mount

from connectors import senders
from connectors.registry import build_source
from connectors.sender import Sender
from domain.context import Extractor
from domain.live import Drift
from domain.ports import Cache, Clock
from domain.sources import Source
from gateway.app import GRAPHQL_PATH, Application, Parts, build_app, is_introspectable
from gateway.auth import Doorkeeper, doorkeeper
from gateway.cache import MemoryCache
from gateway.clock import SystemClock
from gateway.config import BUILT, Capabilities, Config
from gateway.desk.frame import Frame
from gateway.desk.routes import Respond, mounted
from gateway.desk.sessions import Sessions
from gateway.desk.visits import Desk, NewOperation
from gateway.documents import Documents
from gateway.endpoint import Graph, GraphQLEndpoint
from gateway.entities.keeping import Keeping
from gateway.execution.executor import ReferenceExecutor
from gateway.execution.planned import PlannedExecutor
from gateway.extraction import extractor
from gateway.hosts import Origin
from gateway.library import Library
from gateway.live_record import collection, event_store, tellers
from gateway.mcp.mount import Agents
from gateway.pages import ready_query
from gateway.prices import PriceList
from gateway.probes import Probes
from gateway.receiving import background, new_worker, reception
from gateway.redis_cache import open_redis
from gateway.release import release
from gateway.standing import StandingPeople, StandingRecords
from gateway.streams.house import Listeners, Wire, house
from gateway.telemetry import PrometheusTelemetry
from identity import model
from identity.drift import refereed
from identity.graph import People
from identity.judgement import DUCKDB, Resolved
from identity.minting import mint
from identity.referee import Referee
from resolvers.ingest import Progress, SyncReport, sync_all
from resolvers.operation import Operation
from resolvers.services import Capability, Services
from schema.graph import build_schema
from state.engine import State, open_state

SESSIONS_BYTES = 2**20
"""Of the desk, where they are kept in the process: some thousand."""
SMALL_BYTES = 2**23
"""Of documents and marks, where they are kept in the process."""
EXAMPLE_EMAIL = "somebody@example.com"

NewSender = Callable[[], Sender]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What the commands work with."""

    config: Config
    clock: Clock
    telemetry: PrometheusTelemetry
    state: State
    sources: Mapping[str, Source]
    cache: Cache
    keeping: Keeping
    referee: Referee
    people: People
    standing: StandingPeople
    kept: StandingRecords
    extractor: Extractor
    wire: Wire

    @property
    def services(self) -> Services:
        """Of the operations: what they look up most is remembered in the process."""
        return Services(
            sources=self.sources,
            identity=self.standing,
            decisions=self.state.decisions,
            mint=mint,
            records=self.kept,
            cache=self.cache,
            clock=self.clock,
            telemetry=self.telemetry,
            events=self.wire.events,
            hubs=self.wire.hubs,
            guests=self.state.guests,
            commitments=self.state.commitments,
            extractor=self.extractor,
            handoffs=self.state.handoffs,
            tellers=tellers(self.config, self.sources),
            capabilities=_capabilities(self.config.capabilities),
        )

    async def sync(
        self, sources: Iterable[Source], *, full: bool = False, progress: Progress = lambda _: None
    ) -> list[SyncReport]:
        """Bring in the people of the sources, see resolvers.ingest."""
        return await sync_all(
            sources,
            self.state.records,
            self.people.index,
            self.clock,
            full=full,
            progress=progress,
            settle=self.people.settle,
        )

    async def resolve(self, engine: str = DUCKDB) -> tuple[Resolved, Drift | None]:
        """Resolve everything, see identity.drift."""
        state = self.state
        return await refereed(
            self.referee,
            self.people,
            state.records,
            state.identities,
            state.arrivals,
            engine=engine,
        )

    async def measure(self) -> None:
        """Tell what only the store knows. Raises StoreError."""
        drift = await self.state.arrivals.drift()
        if drift is not None:
            self.telemetry.gauge("identity_disagreement", drift.disagreement)
            self.telemetry.gauge("identity_moved_records", drift.moved)


@asynccontextmanager
async def opened(
    config: Config,
    *,
    new_sender: NewSender = senders.pooled,
    clock: Clock | None = None,
    upgrade: bool = True,
) -> AsyncIterator[Program]:
    """The program, its state store brought up to date unless told otherwise. Raises ConfigError or
    StoreError; what was opened is closed again in every case.
    """
    clock, telemetry = clock or SystemClock(), PrometheusTelemetry(release())
    async with AsyncExitStack() as closing:
        state = open_state(
            config.state.url.reveal(), clock=clock, most_waiting=config.inbox.most_waiting
        )
        closing.push_async_callback(state.close)
        cache = _cache(config)
        closing.push_async_callback(cache.close)
        keeping = Keeping(config.cache, cache, clock, telemetry)
        sources: dict[str, Source] = {}
        for name, table in config.sources.items():
            source = build_source(
                name,
                table.settings,
                new_sender(),
                clock=clock,
                telemetry=telemetry,
                tokens=state.tokens,
            )
            sources[name] = keeping.wrapped(source, table.settings)
            if source.close is not None:
                closing.push_async_callback(source.close)
        closing.push_async_callback(keeping.close)
        referee = _referee(config, clock)
        if upgrade:
            await state.upgrade()
        people = People(
            state.records,
            state.identities,
            state.arrivals,
            judge=referee.judge,
            explain=referee.explain,
            regions=_regions(config),
        )
        half = config.cache.people_bytes // 2
        kept = StandingRecords(state.records, state.changes, half)
        standing = StandingPeople(
            people, state.identities.version, state.changes, half, kept.remember
        )
        closing.push_async_callback(standing.close)
        closing.push_async_callback(kept.close)
        events = event_store(config, sources, state)
        wire = Wire.over(config, events, standing, state.decisions)
        closing.push_async_callback(wire.close)
        yield Program(
            config=config,
            clock=clock,
            telemetry=telemetry,
            state=state,
            sources=sources,
            cache=cache,
            keeping=keeping,
            referee=referee,
            people=people,
            standing=standing,
            kept=kept,
            extractor=extractor(config, new_sender, telemetry, closing),
            wire=wire,
        )


def application(program: Program, query: str | None = None) -> Application:
    """The program as an ASGI application. While it serves, it makes sure each source is reached."""
    config, services = program.config, program.services
    worker = new_worker(program)
    schema = build_schema()
    is_open = is_introspectable(config)
    sdl = schema.as_str()
    door = doorkeeper(config)

    operation = partial(Operation.start, services)
    graph = Graph(
        schema=schema._schema,  # Strawberry has no other name for it
        documents=Documents(schema._schema, config.limits, introspection=is_open),
        prices=PriceList(sdl),
        executor=PlannedExecutor(
            schema, ReferenceExecutor(schema, not is_open), hide_suggestions=not is_open
        ),
        limits=config.limits,
        hide_suggestions=not is_open,
        library=Library(program.cache, program.state.documents, config.documents),
    )
    endpoint = GraphQLEndpoint(graph, door, operation, program.telemetry)
    agents = _agents(config, door, endpoint, graph)
    sessions = _sessions(program, door)
    streaming = house(
        program,
        schema,
        endpoint,
        operation,
        Listeners(door, sessions),
        path=GRAPHQL_PATH,
        hide_suggestions=not is_open,
    )
    return build_app(
        Parts(
            config=config,
            doorkeeper=door,
            endpoint=endpoint,
            probes=Probes(program.state.ping, program.sources, program.measure),
            telemetry=program.telemetry,
            sdl=sdl,
            query=query or ready_query(EXAMPLE_EMAIL),
            more=[
                _desk(program, sessions, operation, door, streaming.events.respond),
                *reception(program, worker).routes,
                *collection(program).routes,
                agents.route,
                streaming.route,
            ],
            started=lambda: _together(background(program, worker, agents), streaming.running()),
            events=streaming.events.respond,
            drain=streaming.streams.drain,
        )
    )


def _agents(config: Config, door: Doorkeeper, endpoint: GraphQLEndpoint, graph: Graph) -> Agents:
    origins = [Origin.parse(text) for text in config.server.allowed_origins]
    return Agents(
        door, origins, lambda protocol: protocol.manager(endpoint, graph.schema, release())
    )


@asynccontextmanager
async def _together(*beside: AbstractAsyncContextManager[None]) -> AsyncIterator[None]:
    async with AsyncExitStack() as running:
        for one in beside:
            await running.enter_async_context(one)
        yield


def _sessions(program: Program, door: Doorkeeper) -> Sessions:
    config = program.config
    return Sessions(
        program.cache if config.redis.url.reveal() else MemoryCache(SESSIONS_BYTES),
        door,
        secure=config.server.public_url.startswith("https://"),
    )


def _desk(
    program: Program,
    sessions: Sessions,
    operation: NewOperation,
    door: Doorkeeper,
    events: Respond,
) -> Mount:
    config = program.config
    weights = config.identity.review_weight, config.identity.auto_link_weight
    desk = Desk(
        frame=Frame(thresholds=weights),
        sessions=sessions,
        new_operation=operation,
        deadline_s=config.limits.deadline_s,
    )
    return mounted(desk, events, thresholds=weights, without_token=door.knows_anonymous)


def _cache(config: Config) -> Cache:
    url = config.redis.url.reveal()
    if url:
        return open_redis(url, config.redis.timeout_s)
    return MemoryCache(SMALL_BYTES)


def _referee(config: Config, clock: Clock) -> Referee:
    settings = config.identity
    chosen = model.bundled() if settings.model == "bundled" else model.load(Path(settings.model))
    return Referee(
        chosen,
        auto_link_weight=settings.auto_link_weight,
        review_weight=settings.review_weight,
        regions=_regions(config),
        clock=clock,
    )


def _regions(config: Config) -> dict[str, str | None]:
    return {name: source.phone_region for name, source in config.sources.items()}


def _capabilities(stages: Capabilities) -> tuple[Capability, ...]:
    return tuple(Capability(name=name, enabled=on, reason=_reason(name, on)) for name, on in stages)


def _reason(name: str, on: bool) -> str | None:
    if on:
        return None
    return "off in the configuration" if name in BUILT else "not part of this release"
