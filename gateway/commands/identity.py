"""`knownas identity run | resolve | explain | history`, and train and evaluate beside it."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from domain.customer import Cluster
from domain.errors import UnknownCustomer
from domain.ids import CustomerId
from domain.live import Drift
from gateway.bootstrap import Program, opened
from gateway.commands import identity_explain, identity_quality
from gateway.commands.parameters import DEFAULT_CONFIG, ConfigFile, configured
from gateway.server import run as run_async
from gateway.terminal import note, progress, say
from identity.evaluate import Quality
from identity.judgement import Resolved
from identity.run import RunOptions, RunReport
from identity.run import run as run_files

group = typer.Typer(name="identity", help="Which records are one person.", no_args_is_help=True)

group.command("explain")(identity_explain.explain)
group.command("train")(identity_quality.train)
group.command("evaluate")(identity_quality.evaluate)

Records = Annotated[Path, typer.Option(help="One file per system: <system>.jsonl|csv|parquet.")]
Out = Annotated[Path, typer.Option(help="Clusters, one JSON object per record.")]
Model = Annotated[Path | None, typer.Option(help="A trained model; else it trains on the records.")]
Engine = Annotated[str, typer.Option(help="What the comparisons run on.")]
Truth = Annotated[Path | None, typer.Option(help="Who is who: prints how right the clusters are.")]
Report = Annotated[Path | None, typer.Option(help="A folder for a page with figures and charts.")]
Customer = Annotated[str, typer.Argument(help="A customer's id, cus_...")]
First = Annotated[int, typer.Option(min=1, max=1000, help="How many events.")]


@group.command("run")
def run(
    *,
    records: Records,
    out: Out,
    model: Model = None,
    engine: Engine = "duckdb",
    truth: Truth = None,
    report: Report = None,
) -> None:
    """Resolve files of records into clusters. No server, no configuration."""
    options = RunOptions(
        records=records, out=out, model=model, engine=engine, truth=truth, report=report
    )
    with progress() as lines:
        lines.tell("identity", f"resolving {records}")
        done = run_files(options)
        lines.tell("identity", f"{done.records} records, {done.clusters} customers", is_done=True)
    _tell(done)


def _tell(report: RunReport) -> None:
    for system, columns in report.ignored_columns.items():
        note(f"{system}: ignored columns: {', '.join(columns)}")
    say(f"records\t{report.records}\nsystems\t{', '.join(report.systems)}")
    say(f"candidate pairs\t{report.candidates}\nlinks\t{report.links}")
    say(f"customers\t{report.clusters}\nwaiting for review\t{report.pending}")
    say(f"model\t{report.model_version}")
    if report.oversized:
        note(
            f"{report.oversized} pairs of groups were kept apart: together they would be too large"
        )
    if report.quality is not None:
        _tell_quality(report.quality)
    for step, seconds in report.steps.items():
        say(f"{step}\t{seconds:.1f} s")
    say(f"wall time\t{report.wall_s:.1f} s\npeak memory\t{report.peak_mb:.0f} MB")


def _tell_quality(quality: Quality) -> None:
    say(f"precision\t{quality.precision:.4f}\nrecall\t{quality.recall:.4f}\nF1\t{quality.f1:.4f}")
    say(f"B-cubed F1\t{quality.bcubed_f1:.4f}")
    say(f"persons who share a cluster\t{quality.sharing_persons:.4%}")


@group.command("resolve")
def resolve(config: ConfigFile = DEFAULT_CONFIG, engine: Engine = "duckdb") -> None:
    """Work out who is who among all stored records, and publish it in one step."""

    async def resolved() -> tuple[Resolved, Drift | None]:
        async with opened(configured(config)) as program:
            return await program.resolve(engine)

    found, drift = run_async(resolved())
    say(f"records\t{found.records}\ncustomers\t{found.customers}\nchanged\t{found.changed}")
    say(f"links\t{found.links}\nwaiting for review\t{found.pending}\nversion\t{found.version}")
    if drift is not None:
        say(f"live resolution: moved\t{drift.moved} of {drift.records}")
        say(f"live resolution: disagreement\t{drift.disagreement:.4%}")


@group.command("history")
def history(customer: Customer, config: ConfigFile = DEFAULT_CONFIG, first: First = 50) -> None:
    """Print what happened to a customer's identity, newest first."""

    async def tell(program: Program, found: Cluster) -> None:
        for event in await program.state.identities.history(found.id, first, None):
            ids = f"{_listed(event.before)} -> {_listed(event.after)}"
            say(f"{event.at.isoformat()}\t{event.kind.value}\t{ids}\t{event.by.id}")

    run_async(_with(config, CustomerId(customer), tell))


async def _with(
    config: Path, customer: CustomerId, tell: Callable[[Program, Cluster], Awaitable[None]]
) -> None:
    async with opened(configured(config)) as program:
        (found,) = await program.people.clusters([customer])
        if found is None:
            raise UnknownCustomer(f"{customer}: no customer has, or ever had, this id")
        await tell(program, found)


def _listed(ids: Sequence[CustomerId]) -> str:
    return ", ".join(ids) or "nobody"
