"""Everything resolved at once, raw records to published identities, beside bare Splink.

    ours     what `knownas identity resolve` does: reads the contacts of the store, normalises,
             judges shared values, blocks, scores, clusters under constraints, compares with who
             stood, mints ids, and writes records, links with their evidence and history to the
             store in one transaction
    splink   trains, predicts and clusters as its documentation teaches (see plain), on the columns
             that `ours` made of the same records; writes nothing

Records are made by `crowd` from a seed. Each side is a process of its own, so that its memory is
its own; what prepares them is not measured. Memory is the most that the process and those it starts
held at one time.
Limits: `wall_ratio` at most 2.5, `memory_ratio` at most 1.5. `cpu_ratio` says the same of processor
time, which a busy machine does not spoil.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import crowd
import duckdb
import plain
from memory import Memory, watching
from splink import DuckDBAPI
from sqlalchemy import create_engine

from domain.ids import Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import Address, Contact, Handle
from domain.vocabulary import SystemKind
from gateway.clock import SystemClock
from identity import records
from identity.engine import engine
from identity.judgement import EngineLimits
from identity.model import bundled
from identity.normaliser import BatchNormaliser
from identity.referee import Referee
from identity.workers import workers
from state.codec import encode
from state.engine import open_state
from state.keys import pack
from state.loading import load
from state.tables import contacts

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CHUNK = 10_000
MOST_WALL, MOST_MEMORY = 2.5, 1.5
REVIEW_WEIGHT = 3.0

Figures = dict[str, Any]


def main() -> None:
    asked = _arguments()
    if asked.phase:
        print(json.dumps(PHASES[asked.phase](Path(asked.folder))))
        return
    if asked.folder:
        _measure(asked, Path(asked.folder))
        return
    with tempfile.TemporaryDirectory(prefix="knownas-bench-") as folder:
        _measure(asked, Path(folder))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="kept, and used again where it is filled")
    parser.add_argument("--phase", choices=sorted(PHASES), help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure(asked: argparse.Namespace, folder: Path) -> None:
    if not (folder / "records").is_dir():
        crowd.write(folder / "records", asked.records, asked.seed)
    _apart("prepare", folder)
    ours, splink = _apart("ours", folder), _apart("splink", folder)
    figures = {
        "records": ours["records"],
        "wall_s": ours["wall_s"],
        "wall_ratio": round(ours["wall_s"] / splink["wall_s"], 3),
        "cpu_ratio": round(ours["cpu_s"] / splink["cpu_s"], 3),
        "peak_mb": ours["peak_mb"],
        "memory_ratio": round(ours["peak_mb"] / splink["peak_mb"], 3),
        "ours": ours,
        "splink": splink,
    }
    for name, most in (("wall_ratio", MOST_WALL), ("memory_ratio", MOST_MEMORY)):
        if figures[name] > most:
            print(f"MISSED: {name} is {figures[name]}, at most {most} is allowed")
    print(json.dumps(figures))


def _apart(phase: str, folder: Path) -> Figures:
    command = [sys.executable, __file__, "--phase", phase, "--folder", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _cost(started: float, watched: Memory) -> Figures:
    """Since the process began to work, with the processes it started."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "wall_s": round(time.monotonic() - started, 2),
        "cpu_s": round(sum(one.ru_utime + one.ru_stime for one in used), 2),
        "peak_mb": round(watched.peak_kb / 1024, 1),
    }


# ---------------------------------------------------------------- what is not measured


def _prepare(folder: Path) -> Figures:
    """The store with every contact in it, and the normalised records as Splink reads them."""
    with engine(EngineLimits(memory_mb=2_000)) as connection:
        records.load(connection, folder / "records")
        for old in folder.glob("state.db*"):
            old.unlink()
        asyncio.run(_fill(folder / "state.db", connection))
        with workers() as processes:
            BatchNormaliser(connection, {}, processes).run()
        columns = ", ".join(plain.COLUMNS)
        relation = connection.table("people").project(f"uid as unique_id, {columns}")
        relation.write_parquet(str(folder / "people.parquet"))
    return {}


async def _fill(path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    state = open_state(f"sqlite:///{path}")
    await state.upgrade()
    await state.close()
    with create_engine(f"sqlite:///{path}").begin() as store:
        alike = {"fetched_at": AT, "seen_at": AT}
        load(store, contacts, ("key", "body"), _bodies(connection), alike)


def _bodies(connection: duckdb.DuckDBPyConnection) -> Iterator[list[tuple[str, bytes]]]:
    found = connection.execute("select * from raw_people order by system, id")
    names = [column[0] for column in found.description]
    while rows := found.fetchmany(CHUNK):
        made = [_contact(dict(zip(names, row, strict=True))) for row in rows]
        yield [(pack(one.key), encode(one)) for one in made]


def _contact(row: Mapping[str, Any]) -> Contact:
    system = System(name=row["system"], kind=SystemKind.CRM, connector="crowd")
    place = {name: row[name] for name in ("street", "city", "postcode", "country")}
    said = ("full_name", "given_name", "family_name", "account_number", "company")
    return Contact(
        key=SourceKey(row["system"], Kind.CONTACT, row["id"]),
        provenance=Provenance(system=system, external_id=row["id"], fetched_at=AT),
        **{name: row[name] for name in said},
        emails=tuple(row["emails"]),
        phones=tuple(row["phones"]),
        handles=tuple(Handle("web", name) for name in row["handles"]),
        address=Address(**place),
        birth_date=_date(row["birth_date"]),
    )


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


# ---------------------------------------------------------------- what is measured


def _ours(folder: Path) -> Figures:
    with watching() as watched:
        return asyncio.run(_resolve(f"sqlite:///{folder / 'state.db'}", watched))


async def _resolve(url: str, watched: Memory) -> Figures:
    started = time.monotonic()
    clock = SystemClock()
    state = open_state(url, clock=clock)
    await state.upgrade()
    referee = Referee(
        bundled(), auto_link_weight=9.0, review_weight=REVIEW_WEIGHT, regions={}, clock=clock
    )
    resolved = await referee.resolve(state.records, state.identities)
    await state.close()
    return {
        "records": resolved.records,
        "customers": resolved.customers,
        "links": resolved.links,
        "pending": resolved.pending,
        **_cost(started, watched),
        "steps_s": resolved.steps,
        "steps_cpu_s": resolved.processor_steps,
    }


def _splink(folder: Path) -> Figures:
    with watching() as watched:
        return _plain_splink(folder, watched)


def _plain_splink(folder: Path, watched: Memory) -> Figures:
    started = time.monotonic()
    connection = duckdb.connect()
    connection.read_parquet(str(folder / "people.parquet")).create("plain")
    seconds = {"read": _since(started)}
    before = time.monotonic()
    linker = plain.trained(DuckDBAPI(connection), "plain")
    seconds["train"] = _since(before)
    before = time.monotonic()
    predicted = linker.inference.predict(threshold_match_weight=REVIEW_WEIGHT)
    seconds["predict"] = _since(before)
    before = time.monotonic()
    linker.clustering.cluster_pairwise_predictions_at_threshold(
        predicted, threshold_match_weight=plain.WEIGHT
    )
    seconds["cluster"] = _since(before)
    links = connection.table(predicted.physical_name).count("*").fetchall()[0][0]
    return {"links": links, **_cost(started, watched), "steps_s": seconds}


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


PHASES: Mapping[str, Callable[[Path], Figures]] = {
    "prepare": _prepare,
    "ours": _ours,
    "splink": _splink,
}

if __name__ == "__main__":
    main()
