"""Who is measured beside the peers, each a process of its own on the core of the gateways.

ours           the product, without its cache of records
ours-httpx     the same where pyreqwest is not installed
ours-cache     the same with its cache, which is warm; asked by callers who take an hour
handwritten    Strawberry, httpx and aiodataloader, as a competent team writes it
floor          the three answers by hand, no GraphQL, pyreqwest; under uvicorn
floor-granian  the same under granian, where that is installed
"""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
PRODUCT: Final = ("-m", "gateway")
WITHOUT_CACHE: Final = "[cache]\nrecords = false\n"
WITH_CACHE: Final = "[cache]\nkeep_s = 3600\nmax_bytes = 134217728\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`dialect` names its queries, where its graph is not the peers'."""

    name: str
    port: int
    command: Sequence[str]
    dialect: str | None = None
    cached: bool = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_ours(self) -> bool:
        return self.dialect is not None

    def line(self) -> list[str]:
        """Pinned to the core on which the driver puts every gateway."""
        core = os.environ.get("GATEWAY_CPU", "0")
        pinned = ["taskset", "-c", core] if shutil.which("taskset") else []
        return [*pinned, sys.executable, *self.command, "--port", str(self.port)]

    def folder(self, site: Path) -> Path:
        """Where it is started: of ours, a copy of the site with all that was synced into it."""
        if not self.is_ours:
            return site
        own = shutil.copytree(site, site.with_name(self.name))
        if self.cached:
            written = (own / "knownas.toml").read_text()
            (own / "knownas.toml").write_text(written.replace(WITHOUT_CACHE, WITH_CACHE))
        return own

    def told(self, pid: int) -> list[str]:
        """To the driver."""
        told = ["--target", f"{self.name}={self.address}/graphql", "--pid", f"{self.name}={pid}"]
        return [*told, "--dialect", f"{self.name}={self.dialect}"] if self.dialect else told


def _ours(name: str, port: int, *entry: str, cached: bool = False) -> Target:
    dialect = "queries-warm.mjs" if cached else "queries-knownas.mjs"
    command = (*entry, "serve", "-c", "knownas.toml")
    return Target(name=name, port=port, command=command, dialect=dialect, cached=cached)


def _beside(name: str, port: int, script: str, *arguments: str) -> Target:
    return Target(name=name, port=port, command=(str(HERE / script), *arguments))


TARGETS: Final = {
    target.name: target
    for target in (
        _ours("ours", 8077, *PRODUCT),
        _ours("ours-httpx", 8078, str(HERE / "without_pyreqwest.py")),
        _ours("ours-cache", 8079, *PRODUCT, cached=True),
        _beside("handwritten", 8080, "handwritten.py"),
        _beside("floor", 8081, "floor.py"),
        _beside("floor-granian", 8082, "floor.py", "--server", "granian"),
    )
}


def named(names: str) -> list[Target]:
    """By their names and commas, or `all` that can be had. Raises KeyError for another."""
    if names != "all":
        return [TARGETS[name] for name in names.split(",")]
    missing = () if find_spec("granian") else ("floor-granian",)
    return [target for target in TARGETS.values() if target.name not in missing]
