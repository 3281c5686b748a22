"""`knownas identity train | evaluate`: a model of one's own, and how right the clusters are."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import orjson
import typer

from domain.errors import InputError
from gateway.bootstrap import opened
from gateway.commands.parameters import DEFAULT_CONFIG, ConfigFile, configured
from gateway.config import Config
from gateway.server import run as run_async
from gateway.terminal import note, progress, say
from identity import census, learning
from identity import records as record_files
from identity import truth as truth_files
from identity.engine import engine
from identity.model import Model, bundled, load
from identity.truth import Record

BUNDLED, NOTHING = "bundled", "nothing"

Out = Annotated[Path, typer.Option(help="The model: a file for --model and identity.model.")]
Records = Annotated[
    Path | None, typer.Option(help="Files of records, as for run; else what is stored.")
]
Truth = Annotated[
    Path | None, typer.Option(help="Who is who: system,record_id,person_id (csv or parquet).")
]
Start = Annotated[
    str, typer.Option(help="What the records do not show: bundled, nothing, or a model file.")
]
Name = Annotated[str, typer.Option(help="What links will name; a fingerprint is added.")]
Clusters = Annotated[
    Path | None, typer.Option(help="Clusters as run writes them; else what is published.")
]
Known = Annotated[
    Path, typer.Option("--truth", help="system,record_id,person_id[,tags] (csv or parquet).")
]


def train(
    *,
    out: Out,
    records: Records = None,
    truth: Truth = None,
    start: Start = BUNDLED,
    name: Name = "own",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Make a model from records, with or without knowing who is who."""
    persons = _persons(truth)
    starting = _starting(start)
    with progress() as lines:
        lines.tell("train", "reading")
        if records is not None:
            found = _of_files(records, name, starting, persons)
        else:
            found = run_async(_of_store(configured(config), name, starting, persons))
        learning.write(found, out)
        lines.tell("train", f"{out} is {found.version}", is_done=True)
    say(f"model\t{found.version}\nrecords\t{found.records}")
    note(f'use it: knownas identity run --model {out}, or model = "{out}" under [identity]')


def _persons(path: Path | None) -> Mapping[Record, str] | None:
    return truth_files.read(path).persons if path else None


def _starting(start: str) -> Model | None:
    if start == NOTHING:
        return None
    return bundled() if start == BUNDLED else load(Path(start))


def _of_files(
    directory: Path, name: str, start: Model | None, persons: Mapping[Record, str] | None
) -> Model:
    with engine() as connection:
        record_files.load(connection, directory)
        return learning.learn(connection, name, start, persons)


async def _of_store(
    config: Config, name: str, start: Model | None, persons: Mapping[Record, str] | None
) -> Model:
    regions = {n: one.phone_region for n, one in config.sources.items() if one.phone_region}
    async with opened(config) as program:
        with engine() as connection:
            count = await census.read(connection, program.state.records, program.state.identities)
            if not count:
                raise InputError("training: nothing is stored; sync first, or give --records")
            return await asyncio.to_thread(
                learning.learn, connection, name, start, persons, regions
            )


def evaluate(
    *, truth: Known, clusters: Clusters = None, config: ConfigFile = DEFAULT_CONFIG
) -> None:
    """Print, as JSON, how right clusters are: over pairs, records, people and kinds of trap."""
    known = truth_files.read(truth)
    customers = (
        truth_files.clusters(clusters) if clusters else run_async(_published(configured(config)))
    )
    figures = truth_files.evaluation(known, customers)
    say(orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode())


async def _published(config: Config) -> dict[Record, str]:
    async with opened(config) as program:
        memberships = await program.state.identities.memberships()
    return {
        (key.source, key.external_id): customer
        for customer, members in memberships.items()
        for key in members
    }
