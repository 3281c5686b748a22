"""A model of one's own, from records of whom it is known who is who, or of whom it is not."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa

from domain.errors import InputError
from identity import adaptation, batch, model, training
from identity.model import Model
from identity.tables import load
from identity.truth import Record


def learn(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    start: Model | None,
    persons: Mapping[Record, str] | None = None,
    default_regions: Mapping[str, str] | None = None,
) -> Model:
    """From `raw_people`. With `persons`, what is known is counted; without, `start` is fitted to
    the records as far as they show anything. The version is the name and a fingerprint of the
    weights, so that two models never pass for one. Raises InputError where a level is untrained.
    """
    batch.prepare(connection, default_regions)
    if persons is None:
        if start is None:
            raise InputError("training: without truth it needs a model to start from")
        found = adaptation.adapt(connection, start)
    else:
        known = _label(connection, persons)
        start = adaptation.scaled(start, known) if start else None
        found = training.train(connection, name, start)
    named = replace(found, version=f"{name}-{fingerprint(found)}")
    model.check(named, f"model {named.version}")
    return named


def _label(connection: duckdb.DuckDBPyConnection, persons: Mapping[Record, str]) -> int:
    """`labels` (uid, person) of the records that truth names; says how many."""
    rows = connection.execute("select system, id, uid from raw_people order by uid").fetchall()
    known = [(uid, persons[system, id_]) for system, id_, uid in rows if (system, id_) in persons]
    if not known:
        raise InputError("training: the truth names none of these records")
    uids, people = zip(*known, strict=True)
    load(
        connection,
        "labels",
        uid=pa.array(uids, pa.int64()),
        person=pa.array(people, pa.string()),
    )
    return len(known)


def fingerprint(found: Model) -> str:
    text = model.dump(replace(found, version=""))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def write(found: Model, path: Path) -> None:
    """Whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(model.dump(found) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written") from error
    finally:
        partial.unlink(missing_ok=True)
