"""`knownas connectors test NAME [--live]`."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Annotated

import typer

from connectors.httpx_sender import HttpxSender
from connectors.registry import connector_names, described_by, load_connector, own_sender
from connectors.settings import SourceSettings
from connectors.source import open_source
from connectors.spec import Spec
from connectors.trial.notebook import EXAMPLES, Listening, Notebook, told
from connectors.trial.questions import Finding, Trial
from connectors.trial.refusals import refusals
from connectors.trial.samples import read_samples, reading
from domain.errors import InputError
from gateway.clock import SystemClock
from gateway.commands.parameters import DEFAULT_CONFIG, ConfigFile, configured
from gateway.server import run
from gateway.source_settings import unknown
from gateway.terminal import note, say, table
from gateway.tree import ROOT

SUITE = ROOT / "tests" / "contract" / "connectors"
_MISSING_SUITE = "the contract suite comes with the source tree and its tools: `make setup` there"

Name = Annotated[str, typer.Argument(help="A connector, or a source of the configuration.")]
Live = Annotated[bool, typer.Option("--live", help="Ask the system itself.")]
Record = Annotated[
    bool, typer.Option("--record", help="With --live: keep the answers as samples (NAME.samples).")
]
Ids = Annotated[list[str] | None, typer.Option("--id", help="A contact's id to ask for.")]
Parents = Annotated[
    list[str] | None,
    typer.Option("--parent", help="What names a customer there (customer_key), to ask for things."),
]


def command(
    name: Name,
    *,
    config: ConfigFile = DEFAULT_CONFIG,
    live: Live = False,
    record: Record = False,
    ids: Ids = None,
    parents: Parents = None,
) -> None:
    """Hold a connector against its contract, or a source of the configuration against its samples
    or, with --live, the system itself. Prints the records and what was dropped; exit 1 on problems.
    """
    if record and not live:
        raise InputError("--record: only with --live")
    if not live and name in connector_names():
        _suite(name)
        return
    settings, folder = _source(name, config)
    connector = load_connector(settings.connector)
    if not live and connector.compose is None:
        _suite(connector.name)
        return
    spec = described_by(settings, name)
    recipes = connector.compose(settings.mapping).recipes if connector.compose else {}
    notebook = Notebook(recipes=recipes)
    samples = folder / f"{name}.samples"
    if live:
        asked = _Asked(ids=ids or (), parents=parents or ())
        findings = run(_live(name, spec, settings, notebook, asked))
        if record:
            _keep(samples, notebook)
    else:
        findings = _recorded(samples, name, spec, settings, notebook)
        findings += run(_refusing(spec, settings))
    if _told(findings, notebook):
        raise typer.Exit(1)


def _source(name: str, config: Path) -> tuple[SourceSettings, Path]:
    if not config.exists():
        known = ", ".join(connector_names())
        raise InputError(f"{name}: no connector (there are {known}), and {config} is not there")
    sources = configured(config).sources
    if name not in sources:
        known_names = [*sources, *connector_names()]
        raise InputError(f"{name}: {unknown(name, known_names, 'no such source or connector')}")
    return sources[name].settings, config.parent


# ---------------------------------------------------------------- the contract suite


def _suite(name: str) -> None:
    """The tests every connector gets, for this one alone."""
    load_connector(name)
    if not SUITE.exists() or importlib.util.find_spec("pytest") is None:
        raise InputError(f"{name}: {_MISSING_SUITE}")
    options = ["-q", "-p", "no:cacheprovider", "-m", "not contract", f"-c{ROOT / 'pyproject.toml'}"]
    ended = subprocess.run(  # noqa: S603  # our own interpreter and tests
        [sys.executable, "-m", "pytest", *options, f"--connector={name}", str(SUITE)],
        cwd=ROOT,
        check=False,
    )
    if ended.returncode:
        raise typer.Exit(1)


# ---------------------------------------------------------------- a source


class _Asked:
    """What the user names for want of a list."""

    def __init__(self, ids: Sequence[str], parents: Sequence[str]) -> None:
        self.ids, self.parents = ids, parents


async def _live(
    name: str, spec: Spec, settings: SourceSettings, notebook: Notebook, asked: _Asked
) -> list[Finding]:
    sender = own_sender(spec, name, settings) if spec.sender else HttpxSender.pooled()
    source = open_source(
        replace(notebook.noted(spec), sender=None),
        name,
        settings,
        Listening(sender, notebook),
        clock=SystemClock(),
        telemetry=notebook,
        dice=Random(),  # noqa: S311  # spreads waits, guards nothing
    )
    trial = Trial(
        source=source,
        spec=spec,
        notebook=notebook,
        clock=SystemClock(),
        ids=asked.ids,
        parents=asked.parents,
    )
    try:
        return [finding async for finding in trial.run()]
    finally:
        await sender.close()


def _recorded(
    folder: Path, name: str, spec: Spec, settings: SourceSettings, notebook: Notebook
) -> list[Finding]:
    if not folder.is_dir():
        raise InputError(
            f"{name}: no samples in {folder}; put an answer there as contact.get.json (what curl"
            " printed), or record them with --live --record"
        )
    at = reading(spec, name, settings, SystemClock().now())
    findings = list(read_samples(folder, spec, notebook, at))
    if not findings:
        raise InputError(f"{name}: {folder} holds no sample (*.json)")
    return findings


async def _refusing(spec: Spec, settings: SourceSettings) -> list[Finding]:
    return [finding async for finding in refusals(spec, settings, SystemClock())]


def _keep(folder: Path, notebook: Notebook) -> None:
    """Answers hold personal data: nobody else may read them."""
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = {name: body for name, body in notebook.bodies.items() if " " not in name}
    for question, body in kept.items():
        (folder / f"{question}.json").write_bytes(body)
    note(f"kept {len(kept)} answers in {folder}: they hold personal data")


# ---------------------------------------------------------------- telling


def _told(findings: Iterable[Finding], notebook: Notebook) -> bool:
    """Whether there is a problem, after everything was said."""
    found = list(findings)
    _records(notebook)
    _dropped(notebook)
    for line in [*notebook.empty(), *notebook.unknown()]:
        say(f"look at\t{line}")
    table(
        ("question", "answer"),
        [(one.question, (one.problem and f"PROBLEM: {one.problem}") or one.told) for one in found],
    )
    bad = sum(bool(one.problem) for one in found)
    lost = len(notebook.dropped)
    if bad or lost:
        note(f"knownas: {bad} of {len(found)} questions have a problem, {lost} rows were dropped")
    return bool(bad or lost)


def _records(notebook: Notebook) -> None:
    for kind, records in notebook.records.items():
        for record in list(records.values())[:EXAMPLES]:
            values = "  ".join(f"{name}={value}" for name, value in told(record))
            say(f"{kind.name.lower()}\t{values}")


def _dropped(notebook: Notebook) -> None:
    for one in notebook.dropped[: 2 * EXAMPLES]:
        say(f"dropped\t{one.kind.name.lower()}\t{'; '.join(one.reasons)}")
    if len(notebook.dropped) > 2 * EXAMPLES:
        say(f"dropped\tand {len(notebook.dropped) - 2 * EXAMPLES} more")
