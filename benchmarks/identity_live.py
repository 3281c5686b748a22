"""One record against a million: resolved live, written, and the same by Splink's own way.

latency    people are generated and written into a state store on SQLite as a sync and a resolution
           of everything leave them (contacts, identifiers, live index, term counts, memberships).
           Then records arrive one by one, half of them further records of people who are there,
           half of new people. What is timed is `IdentityGraph.adopt`: normalising, finding
           candidates, weighing, clustering, and the committed transaction that writes contact,
           index, links, customers and events.
peer       `predict_between` of Splink 5 for such a record against the same million `features` in
           DuckDB by the same model: a prediction, of which nothing is written.
replay     the `bootstrap` part of people-dev-20k is resolved at once, its `live` part arrives in
           the order of time; then everything is resolved at once into another store. Compared are
           the two partitions (B-cubed F1), and the ids: of those minted at the beginning, how many
           lead to the customer to whom most of their records belong in the end.

Limits: p95_ms at most 10, live_batch_bcubed and ids_resolving at least 0.99. `cpu_ms` is the mean
processor time of an arrival, which a busy machine spoils less.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from live import filling, replay
from live.people import Town
from splink import DuckDBAPI, Linker

from domain.records import Contact
from gateway.clock import SystemClock
from identity import batch, model
from identity.engine import engine
from identity.graph import People
from identity.judgement import EngineLimits
from identity.referee import Referee
from state.engine import State, open_state

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("KNOWNAS_SHARED") or ROOT.parent / "shared")
LIMIT_MS, LIMIT_BCUBED, LIMIT_IDS = 10.0, 0.99, 0.99


def main() -> None:
    asked = _arguments()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="knownas-bench-") as name:
        if asked.records:
            filled = Path(asked.folder or name) / f"town-{asked.records}"
            started = time.perf_counter()
            if not filled.is_dir():
                _fill(filled, _people_of(asked))
            figures |= {"filled_s": round(time.perf_counter() - started, 1)}
            figures |= asyncio.run(_latency(filled, Path(name) / "state.db", asked))
            figures |= {"store_mb": (filled / "state.db").stat().st_size >> 20}
        if asked.replay:
            folder = SHARED / "data" / "identity" / asked.replay
            figures |= asyncio.run(replay.run(folder, referee(), people))
    _report(figures)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--records", type=int, default=1_000_000, help="0: the replay alone")
    parser.add_argument("--arrivals", type=int, default=400)
    parser.add_argument("--warm-up", type=int, default=50)
    parser.add_argument("--peer-runs", type=int, default=5)
    parser.add_argument("--replay", default="people-dev-20k", help="empty: none")
    parser.add_argument("--folder", help="where a filled store is kept, and used again")
    return parser.parse_args()


def referee() -> Referee:
    return Referee(
        model.bundled(),
        auto_link_weight=9.0,
        review_weight=3.0,
        regions={},
        clock=SystemClock(),
        limits=EngineLimits(memory_mb=4_000),
    )


def people(state: State, judging: Referee) -> People:
    return People(
        state.records,
        state.identities,
        state.arrivals,
        judge=judging.judge,
        explain=judging.explain,
        regions={},
    )


# ---------------------------------------------------------------- latency


def _people_of(asked: argparse.Namespace) -> int:
    """They have two and a half records each."""
    return int(asked.records) * 2 // 5


async def _latency(filled: Path, path: Path, asked: argparse.Namespace) -> dict[str, float]:
    shutil.copyfile(filled / "state.db", path)
    state = open_state(f"sqlite:///{path}", clock=SystemClock())
    await state.upgrade()  # the store may have been filled by an older release
    graph = people(state, referee())
    arrivals = list(Town().arrivals(_people_of(asked), asked.arrivals + asked.warm_up))
    for one in arrivals[: asked.warm_up]:
        await graph.adopt([one])
    told = [await _adopt_ms(graph, one) for one in arrivals[asked.warm_up :]]
    times, busy = ([one[side] for one in told] for side in (0, 1))
    await state.close()
    peer = _predict_between_ms(filled / "shards", asked.peer_runs) if asked.peer_runs else 0.0
    return {
        "records": asked.records,
        "p50_ms": _rank(times, 50),
        "p95_ms": _rank(times, 95),
        "p99_ms": _rank(times, 99),
        "cpu_ms": round(statistics.mean(busy), 2),
        "cpu_p95_ms": _rank(busy, 95),
        "predict_between_ms": peer,
        "speedup": round(peer / _rank(times, 50), 1),
    }


def _fill(filled: Path, there: int) -> None:
    filled.mkdir(parents=True)
    asyncio.run(_create(filled / "state.db"))
    filling.fill(filled / "state.db", filled / "shards", there)


async def _create(path: Path) -> None:
    state = open_state(f"sqlite:///{path}")
    await state.upgrade()
    await state.close()


async def _adopt_ms(graph: People, one: Contact) -> tuple[float, float]:
    """By the clock, and of processors."""
    started, used = time.perf_counter(), time.process_time()
    await graph.adopt([one])
    return (time.perf_counter() - started) * 1_000, (time.process_time() - used) * 1_000


def _predict_between_ms(shards: Path, runs: int) -> float:
    """The median; the first run, which plans for everything, is left out."""
    trained = model.bundled()
    settings = model.splink_settings(trained, ("l.email = r.email", "l.phone = r.phone",
        "l.given = r.given and l.family = r.family", "l.birth_date = r.birth_date",
        "l.postcode = r.postcode and l.family = r.family"))  # fmt: skip
    with engine(EngineLimits(memory_mb=6_000)) as connection:
        filling.compare(connection, shards)
        connection.execute(
            "create table arrived as select * from features using sample 1 rows (reservoir, 7)"
        ).fetchall()
        api = DuckDBAPI(connection)
        many, one = api.register("features"), api.register("arrived")
        linker = Linker(many, settings, log_level=None, validate_settings=False)
        for column, table in batch.frequencies(connection, trained).items():
            linker.table_management.register_term_frequency_lookup(api.register(table), column)
        times = []
        for _ in range(runs + 1):
            started = time.perf_counter()
            linker.inference.predict_between(one, many)
            times.append((time.perf_counter() - started) * 1_000)
    return round(statistics.median(times[1:]), 1)


# ---------------------------------------------------------------- telling


def _rank(times_ms: Sequence[float], percent: int) -> float:
    return round(statistics.quantiles(times_ms, n=100, method="inclusive")[percent - 1], 2)


def _report(figures: Mapping[str, float]) -> None:
    for name, value in figures.items():
        print(f"{name:20}{value:14.4f}")
    missed = [
        name
        for name, missed in (
            ("p95_ms", figures.get("p95_ms", 0.0) > LIMIT_MS),
            ("live_batch_bcubed", figures.get("live_batch_bcubed", 1.0) < LIMIT_BCUBED),
            ("ids_resolving", figures.get("ids_resolving", 1.0) < LIMIT_IDS),
        )
        if missed
    ]
    if missed:
        print(f"MISSED: {', '.join(missed)}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
