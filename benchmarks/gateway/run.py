"""The product beside gateways that serve the same four REST systems (CPU per query, memory, calls).

    PEERS_MODULES=$HOME/peers-modules python benchmarks/gateway/run.py --only mercurius

The peers and their driver lie beside the repository (`KNOWNAS_SHARED`, `bench/peers`); they are
copied to a folder of their own, and their Node modules are expected in `PEERS_MODULES` (see their
`setup.sh`). The systems are wired by the files beside this one, through the `rest` connector:
people are synced and resolved first, and every query pays for identity, provenance and
completeness. What sources answered is not kept, unless `--cache` says so.

A Python built without its own optimisations (`--enable-optimizations`), as pyenv builds it, takes
half as much again for everything; the image's is built with them.

CPU time per query, relative to mercurius in the same run, is the figure: other work on the machine
changes the rest. Limits: Q1 1.6, Q2 1.3, Q3 2.0 times mercurius; calls 4, 4, 1; 200 MB.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEERS = Path(os.environ.get("KNOWNAS_SHARED", ROOT.parent / "shared")) / "bench" / "peers"
OURS = "http://127.0.0.1:8077"
UPSTREAM = "http://127.0.0.1:4100"
WITHOUT_CACHE = "[cache]\nrecords = false\n"
FIGURES = {
    "cpu_ms": "cpu_ms_per_query",
    "vs_mercurius": "cpu_vs_first",
    "p50_ms": "p50_ms",
    "p99_ms": "p99_ms",
    "upstream_per_query": "upstream_per_query",
    "rss_mb": "rss_mb",
    "correct": "correct",
    "failed": "failed",
}


def main() -> None:
    asked = _arguments()
    if "PEERS_MODULES" not in os.environ or not PEERS.is_dir():
        sys.exit("NOT RUN: PEERS_MODULES is not set, or the peers are not beside the repository")
    with tempfile.TemporaryDirectory(prefix="knownas-peers-") as name:
        folder = Path(name)
        peers = shutil.copytree(PEERS, folder / "peers")
        for path in (peers, *peers.rglob("*")):
            path.chmod(path.stat().st_mode | 0o200)
        site = shutil.copytree(HERE, folder / "site")
        if asked.cache:
            written = (site / "knownas.toml").read_text()
            (site / "knownas.toml").write_text(written.replace(WITHOUT_CACHE, ""))
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        with _running(["node", "servers/upstream.mjs"], peers, environ, f"{UPSTREAM}/_health"):
            for command in (("sync",), ("identity", "resolve")):
                subprocess.run(_knownas(*command), cwd=site, env=environ, check=True, stdout=-3)
        serve = [*_pinned(), *_knownas("serve")]
        with _running(serve, site, environ, f"{OURS}/healthz") as pid:
            rows = _driven(peers, folder / "out.json", pid, asked)
    print(json.dumps(_told(rows)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="peers to compare with, by name; all if empty")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--latency", default="0,20")
    parser.add_argument("--queries", default="Q1,Q2,Q3")
    parser.add_argument("--cache", action="store_true", help="with the cache of records, warm")
    return parser.parse_args()


def _knownas(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gateway", *arguments, "-c", "knownas.toml"]


def _pinned() -> list[str]:
    """On the core on which the driver puts every gateway."""
    return ["taskset", "-c", os.environ.get("GATEWAY_CPU", "0")] if shutil.which("taskset") else []


@contextmanager
def _running(
    command: list[str], folder: Path, environ: Mapping[str, str], address: str
) -> Iterator[int]:
    """A process that answers at the address; its id."""
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(address, process)
            yield process.pid
        finally:
            process.terminate()


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            urlopen(address, timeout=1).close()  # noqa: S310  # a loopback address of ours
            return
        except (URLError, OSError):
            time.sleep(0.2)
    sys.exit(f"{process.args!r} does not answer")


def _driven(peers: Path, out: Path, pid: int, asked: argparse.Namespace) -> list[dict[str, Any]]:
    command = ["node", "bench.mjs", "--target", f"ours={OURS}/graphql", "--pid", f"ours={pid}"]
    command += ["--dialect", "ours=queries-knownas.mjs", "--out", str(out)]
    for name in ("rounds", "seconds", "warmup", "latency", "queries"):
        command += [f"--{name}", str(getattr(asked, name))]
    if asked.only:
        command += ["--only", f"{asked.only},ours"]
    subprocess.run(command, cwd=peers, check=True, stdout=sys.stderr)
    rows: list[dict[str, Any]] = json.loads(out.read_text())["rows"]
    return rows


def _told(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """By latency, query and target."""
    told: dict[str, Any] = {}
    for row in rows:
        query = told.setdefault(f"{row['latency_ms']}ms", {}).setdefault(row["query"], {})
        query[row["target"]] = {name: row[key] for name, key in FIGURES.items()}
    return {"benchmark": "gateway", "load_average": os.getloadavg(), "figures": told}


if __name__ == "__main__":
    main()
