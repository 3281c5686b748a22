"""The SQL of the comparisons and blocking keys as trees, as DuckDB parses it.

What it makes of our own texts is kept in a file beside them, since a process that serves has no
other use for DuckDB: 50 MB. A text that is not there is parsed when it is asked for.
"""

import json
from collections.abc import Mapping, Sequence
from importlib import import_module, resources
from typing import Any

Node = Mapping[str, Any]

KEPT = resources.files("identity").joinpath("data/trees.json")
"""text -> tree, a text a line."""


def parse(texts: Sequence[str]) -> list[Node]:
    """The trees of SQL expressions. Raises ConfigError for what is none."""
    kept: dict[str, Node] = json.loads(KEPT.read_bytes())
    unknown = [text for text in texts if text not in kept]
    if unknown:
        parsed = import_module("identity.parser").parsed(unknown)
        kept |= zip(unknown, parsed, strict=True)
    return [kept[text] for text in texts]
