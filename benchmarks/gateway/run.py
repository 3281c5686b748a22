"""The product beside gateways that serve the same four REST systems (CPU per query, memory, calls).

    PEERS_MODULES=$HOME/peers-modules python benchmarks/gateway/run.py --only mercurius
    PEERS_MODULES=$HOME/peers-modules python benchmarks/gateway/run.py --beside all

The peers and their driver lie beside the repository (`KNOWNAS_SHARED`, `bench/peers`); they are
copied to a folder of their own, and their Node modules are expected in `PEERS_MODULES` (see their
`setup.sh`). The systems are wired by the files beside this one, through the `rest` connector:
people are synced and resolved first, and every query pays for identity, provenance and
completeness. What sources answered is not kept, but by `ours-cache` (see `targets.py`).

A row synced less than a minute ago is young enough for a caller who says nothing, and saves a call;
`--rest` is what is waited for before, so that all are asked for.

A Python built without its own optimisations (`--enable-optimizations`), as pyenv builds it, takes
half as much again for everything; the image's is built with them.

CPU time per query, relative to mercurius in the same run, is the figure: other work on the machine
changes the rest. Limits: Q1 1.6, Q2 1.3, Q3 2.0 times mercurius, with the cache 0.7; calls 4, 4, 1;
200 MB. Prints tables, then one line of JSON.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import Request, urlopen

from table import markdown, surroundings, told
from targets import HERE, PRODUCT, TARGETS, Target, named

ROOT: Final = HERE.parents[1]
PEERS: Final = Path(os.environ.get("KNOWNAS_SHARED", ROOT.parent / "shared")) / "bench" / "peers"
UPSTREAM: Final = "http://127.0.0.1:4100"
START_S: Final = 120.0
NOT_WIRING: Final = shutil.ignore_patterns("*.py", "*.mjs", "__pycache__")


def main() -> None:
    asked = _arguments()
    if "PEERS_MODULES" not in os.environ or not PEERS.is_dir():
        sys.exit("NOT RUN: PEERS_MODULES is not set, or the peers are not beside the repository")
    with tempfile.TemporaryDirectory(prefix="knownas-peers-") as name:
        measured = _measured(Path(name), asked)
    figures = told(measured["rows"])
    print(markdown(figures), "\n")
    print(json.dumps({"benchmark": "gateway", **surroundings(measured), "figures": figures}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="peers to compare with, by name; all if empty")
    parser.add_argument("--beside", default="ours", help=f"{', '.join(TARGETS)}; or all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--warmup", type=int, default=3, help="seconds, at least one")
    parser.add_argument("--latency", default="0,20")
    parser.add_argument("--queries", default="Q1,Q2,Q3")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rest", type=float, default=61.0, help="seconds after the sync")
    return parser.parse_args()


def _measured(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """What the driver wrote about the peers and the targets, all of which run at once."""
    targets = named(asked.beside)
    peers = _peers(folder)
    site = shutil.copytree(HERE, folder / "site", ignore=NOT_WIRING)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with ExitStack() as running:
        with _running(["node", "servers/upstream.mjs"], peers, environ, f"{UPSTREAM}/_health"):
            _fill(site, environ)
            pids = [running.enter_context(_serving(one, site, environ)) for one in targets]
            _warm([one for one in targets if one.cached], peers)
            time.sleep(asked.rest if any(one.is_ours for one in targets) else 0.0)
        return _driven(dict(zip(pids, targets, strict=True)), peers, asked)


def _fill(site: Path, environ: Mapping[str, str]) -> None:
    """Everybody is known before anybody is asked for."""
    for command in (("sync",), ("identity", "resolve")):
        line = [sys.executable, *PRODUCT, *command, "-c", "knownas.toml"]
        subprocess.run(line, cwd=site, env=environ, check=True, stdout=subprocess.DEVNULL)


def _peers(folder: Path) -> Path:
    """A copy that can be written, with the supergraph Hive is started with where it can be had."""
    peers = shutil.copytree(PEERS, folder / "peers")
    for path in (peers, *peers.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)
    shutil.copy(HERE / "queries-warm.mjs", peers)
    modules = Path(os.environ["PEERS_MODULES"]) / "node_modules"
    if (modules / "@graphql-mesh" / "compose-cli").is_dir():
        subprocess.run(["sh", "compose.sh"], cwd=peers, check=True, stdout=sys.stderr)
    return peers


def _driven(
    targets: Mapping[int, Target], peers: Path, asked: argparse.Namespace
) -> dict[str, Any]:
    """It starts the systems and the peers by itself."""
    out = peers / "out.json"
    command = ["node", "bench.mjs", "--out", str(out)]
    for name in ("rounds", "seconds", "warmup", "latency", "queries", "connections"):
        command += [f"--{name}", str(getattr(asked, name))]
    if asked.only:
        command += ["--only", ",".join([asked.only, *(one.name for one in targets.values())])]
    for pid, target in targets.items():
        command += target.told(pid)
    subprocess.run(command, cwd=peers, check=True, stdout=sys.stderr)
    written: dict[str, Any] = json.loads(out.read_text())
    return written


def _warm(targets: Sequence[Target], peers: Path) -> None:
    """Everybody is asked for once: a warm-up by time would not come to all of them."""
    script = "import {QUERIES as q} from './queries-warm.mjs'; console.log(JSON.stringify(q.Q2))"
    node = ["node", "--input-type=module", "-e", script]
    page = json.loads(subprocess.run(node, cwd=peers, check=True, capture_output=True).stdout)
    for target in targets:
        for variables in page["variables"]:
            body = json.dumps({"query": page["query"], "variables": variables}).encode()
            headers = {"content-type": "application/json"}
            with urlopen(Request(f"{target.address}/graphql", body, headers), timeout=30) as answer:  # noqa: S310  # a loopback address of ours
                if json.load(answer).get("errors"):
                    sys.exit(f"{target.name} does not answer what it is warmed by")


@contextmanager
def _serving(target: Target, site: Path, environ: Mapping[str, str]) -> Iterator[int]:
    healthz = f"{target.address}/healthz"
    with _running(target.line(), target.folder(site), environ, healthz) as pid:
        yield pid


@contextmanager
def _running(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], address: str
) -> Iterator[int]:
    """A process that answers at the address; its id. It has ended at the end."""
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(address, process)
            yield process.pid
        finally:
            process.terminate()


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            urlopen(address, timeout=1).close()  # noqa: S310  # a loopback address of ours
            return
        except (URLError, OSError):
            time.sleep(0.2)
    sys.exit(f"{process.args!r} does not answer")


if __name__ == "__main__":
    main()
