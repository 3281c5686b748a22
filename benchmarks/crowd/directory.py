"""A directory of record files with truth, as `identity run` reads it."""

from collections import defaultdict
from pathlib import Path
from random import Random

import pyarrow as pa
from pyarrow import parquet

from crowd.people import Census
from crowd.systems import SYSTEMS, Habits, Row, written

RECORDS = (16, 27, 27, 18, 8, 3, 1)
"""Of a hundred people, how many have one record, two, and so on."""


def write(directory: Path, records: int, seed: int = 1) -> None:
    """Exactly so many records; the same ones for the same seed and number."""
    rng = Random(seed)
    census = Census(rng, records // 3)
    rows: dict[str, list[Row]] = defaultdict(list)
    truth: list[tuple[str, str, str]] = []
    for number, human in enumerate(census.people(records)):
        wanted = rng.choices(range(1, len(RECORDS) + 1), RECORDS)[0]
        if len(truth) == records:
            break
        for _ in range(min(wanted, records - len(truth))):
            system = _system(rng)
            row = written(human, system, census.shorts, rng)
            row["id"] = f"{system.letter}{len(truth):08}"
            rows[system.name].append(row)
            truth.append((system.name, row["id"], f"P{number}"))
    directory.mkdir(parents=True, exist_ok=True)
    for system in SYSTEMS:
        columns = {
            name: pa.array([row[name] for row in rows[system.name]], pa.string())
            for name in system.columns
        }
        parquet.write_table(pa.table(columns), directory / f"{system.name}.parquet")
    names = ("system", "record_id", "person_id")
    told = dict(zip(names, map(list, zip(*truth, strict=True)), strict=True))
    parquet.write_table(pa.table(told), directory / "truth.parquet")


def _system(rng: Random) -> Habits:
    return rng.choices(SYSTEMS, [system.share for system in SYSTEMS])[0]
