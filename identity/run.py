"""`knownas identity run`: record files in, clusters out. No server, no configuration."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import duckdb
import orjson

from domain.errors import InputError
from domain.ids import CustomerId
from identity import adaptation, batch, components, records, report, spark
from identity.engine import engine, widen
from identity.evaluate import Quality, quality
from identity.groups import Policy
from identity.judgement import DUCKDB, EngineLimits
from identity.minting import mint
from identity.model import Model, bundled, load, probability
from identity.rules import literal
from identity.steps import Steps, peak_mb
from identity.workers import workers

ENGINES: Mapping[str, batch.Predictor] = {DUCKDB: batch.predict, "spark": spark.predict}
"""What pairs are scored on."""


def predictor(engine: str) -> batch.Predictor:
    """Raises InputError for an engine there is none of."""
    if engine not in ENGINES:
        raise InputError(f"--engine: allowed: {', '.join(ENGINES)}")
    return ENGINES[engine]


LEAST_WEIGHT = -20.0
"""Weaker pairs are dropped before clustering: whatever else is known, they do not join."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """`default_regions`: system -> region (ISO 3166) that reads phone numbers of records without a
    country. Weights are log2 odds.
    """

    records: Path
    out: Path
    model: Path | None = None
    engine: str = DUCKDB
    truth: Path | None = None
    report: Path | None = None
    auto_link_weight: float = 5.5
    review_weight: float = 3.0
    default_regions: Mapping[str, str] = field(default_factory=dict)
    limits: EngineLimits = field(default_factory=EngineLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """`pending`: links from the review weight on between two customers. `oversized`: groups that
    the size guard kept apart. `steps`: seconds per step, in order. `peak_mb` is of the process.
    """

    records: int
    systems: tuple[str, ...]
    ignored_columns: Mapping[str, tuple[str, ...]]
    candidates: int
    links: int
    clusters: int
    pending: int
    oversized: int
    model_version: str
    quality: Quality | None
    steps: Mapping[str, float]
    wall_s: float
    peak_mb: float


def run(options: RunOptions) -> RunReport:
    """Resolve a directory of record files. Raises InputError; `out` appears whole or not at all."""
    predict = predictor(options.engine)
    starting = load(options.model) if options.model else bundled()
    steps = Steps()
    with engine(options.limits) as connection:
        with steps.step("read"):
            loaded = records.load(connection, options.records)
            widen(connection, loaded.records, options.limits)
        with steps.step("normalise"), workers() as processes:
            candidates = batch.prepare(connection, options.default_regions, workers=processes)
        with steps.step("train"):
            model = starting if options.model else adaptation.adapt(connection, starting)
        with steps.step("score"):
            links = batch.score(
                connection,
                model,
                LEAST_WEIGHT,
                options.auto_link_weight,
                predictor=predict,
            )
        with steps.step("cluster"):
            oversized = _cluster(connection, model, options.auto_link_weight)
            labels = _labels(connection)
            pending = _pending(connection, options.review_weight)
        with steps.step("evaluate"):
            people = _people(connection, options.truth) if options.truth else {}
            measured = _quality(people, labels) if options.truth else None
        with steps.step("write"):
            _write(connection, options.out, labels)
        if options.report:
            with steps.step("report"):
                findings = _findings(connection, model, labels, measured, people)
                findings = replace(findings, examples=_examples(connection, options))
                report.write(options.report, findings)
    return RunReport(
        records=loaded.records,
        systems=loaded.systems,
        ignored_columns=loaded.ignored,
        candidates=candidates,
        links=links,
        clusters=len({label.customer for label in labels}),
        pending=pending,
        oversized=oversized,
        model_version=model.version,
        quality=measured,
        steps=steps.seconds,
        wall_s=steps.wall_s,
        peak_mb=peak_mb(),
    )


def _cluster(connection: duckdb.DuckDBPyConnection, model: Model, link_weight: float) -> int:
    """Writes `places` (see components); says how many groups the size guard kept apart."""
    policy = Policy(link_weight=link_weight, prior_weight=model.prior_weight)
    with workers() as processes:
        components.connect(connection, link_weight)
        return len(components.settle(connection, policy, processes).guarded)


def _pending(connection: duckdb.DuckDBPyConnection, review_weight: float) -> int:
    (pairs,) = connection.execute(
        """select count(*) from edges join places as l on l.uid = uid_l
        join places as r on r.uid = uid_r where weight >= $1 and l.cluster <> r.cluster""",
        [review_weight],
    ).fetchall()[0]
    return int(pairs)


@dataclass(frozen=True, slots=True)
class _Label:
    customer: CustomerId
    confidence: float


def _labels(connection: duckdb.DuckDBPyConnection) -> list[_Label]:
    """By uid. A cluster is as sure as its weakest necessary link; one record alone is sure."""
    rows = connection.execute("select cluster, weakest from places order by uid").fetchall()
    ids: dict[int, CustomerId] = {}
    labels = []
    for cluster, weakest in rows:
        if cluster not in ids:
            ids[cluster] = mint()
        sure = 1.0 if weakest is None else round(probability(weakest), 6)
        labels.append(_Label(ids[cluster], sure))
    return labels


def _write(connection: duckdb.DuckDBPyConnection, out: Path, labels: list[_Label]) -> None:
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    rows = connection.execute("select system, id from raw_people order by uid").fetchall()
    try:
        with partial.open("wb") as file:
            for (system, id_), label in zip(rows, labels, strict=True):
                line = {
                    "system": system,
                    "id": id_,
                    "customer_id": label.customer,
                    "confidence": label.confidence,
                }
                file.write(orjson.dumps(line) + b"\n")
        partial.replace(out)
    except OSError as error:
        raise InputError(f"{out}: cannot be written") from error
    finally:
        partial.unlink(missing_ok=True)


def _people(connection: duckdb.DuckDBPyConnection, truth: Path) -> dict[int, str]:
    """uid -> person, of the records that truth names; the others are left out of every measure."""
    reader = {".csv": "read_csv", ".parquet": "read_parquet"}.get(truth.suffix)
    if reader is None or not truth.is_file():
        raise InputError(f"{truth}: truth must be a csv or parquet file")
    extra = ", all_varchar = true, header = true" if truth.suffix == ".csv" else ""
    try:
        rows = connection.execute(f"""select p.uid, t.person_id::varchar
            from {reader}({literal(str(truth))}{extra}) as t join raw_people as p
            on p.system = t.system::varchar and p.id = t.record_id::varchar""").fetchall()
    except duckdb.Error as error:
        raise InputError(f"{truth}: needs columns system, record_id, person_id") from error
    return dict(rows)


def _quality(people: Mapping[int, str], labels: list[_Label]) -> Quality:
    return quality((labels[uid].customer, person) for uid, person in people.items())


def _judged(
    edges: Sequence[tuple[int, int, float]], people: Mapping[int, str]
) -> list[tuple[float, bool]]:
    return [
        (weight, people[left] == people[right])
        for left, right, weight in edges
        if left in people and right in people
    ]


def _examples(connection: duckdb.DuckDBPyConnection, options: RunOptions) -> list[report.Example]:
    kept, joins = "select weight, levels from edges where levels is not null", "weight >= $1"
    pairs = connection.execute(
        f"""({kept} order by weight desc limit 1)
        union all ({kept} and {joins} order by weight limit 1)
        union all ({kept} and not {joins} order by weight desc limit 1)
        union all ({kept} order by weight limit 1)""",
        [options.auto_link_weight],
    ).fetchall()
    return report.examples(pairs, options.auto_link_weight)


def _findings(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    labels: list[_Label],
    measured: Quality | None,
    people: Mapping[int, str],
) -> report.Findings:
    edges = connection.execute("select uid_l, uid_r, weight from edges").fetchall()
    sizes = list(Counter(label.customer for label in labels).values())
    figures = {"records": str(sum(sizes)), "customers": str(len(sizes)), "model": model.version}
    if measured is not None:
        figures |= {name: f"{value:.4f}" for name, value in asdict(measured).items()}
    counts = Counter(people.values()).values()
    return report.Findings(
        figures=figures,
        model=model,
        weights=[weight for _, _, weight in edges],
        sizes=sizes,
        judged=None if measured is None else _judged(edges, people),
        true_pairs=sum(count * (count - 1) // 2 for count in counts),
    )
