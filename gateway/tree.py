"""Our packages have plain names (`schema`, `identity`), which other distributions use as well. Here
it is made sure, before anything is imported from them, that they are ours.
"""

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Final

PACKAGES: Final = (
    "connectors",
    "domain",
    "gateway",
    "identity",
    "journey",
    "resolvers",
    "sandbox",
    "schema",
    "state",
)
ROOT: Final = Path(__file__).resolve().parents[1]


def intruders(packages: Iterable[str] = PACKAGES, root: Path = ROOT) -> list[str]:
    """What is wrong, one text per package: it is missing, or comes from somebody else."""
    return [problem for name in packages if (problem := _problem(name, root))]


def _problem(name: str, root: Path) -> str:
    spec = importlib.util.find_spec(name)
    if spec is None:
        return f"the package {name} is missing from {root}"
    origin = spec.origin or next(iter(spec.submodule_search_locations or ()), "nowhere")
    found = Path(origin).resolve()
    if root / name in (found, *found.parents):
        return ""
    return f"the package {name} was taken from {found}, not from {root / name}: remove it there"
