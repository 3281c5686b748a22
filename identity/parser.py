"""DuckDB's parser: SQL expressions as trees (`json_serialize_sql`).

`python -m identity.parser` writes those of our own texts anew (see trees.py).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from domain.errors import ConfigError
from identity.blocking import KEYS
from identity.namesakes import TWO_PEOPLE
from identity.scoring import CONDITIONS
from identity.trees import KEPT, Node

_SPARED = ("query_location", "query_location_length", "alias", "order_bys", "qualified_name")
"""Where in the text something stands, what is said twice, and the order of aggregates, which
conditions have none of."""


def parsed(texts: Sequence[str]) -> list[Node]:
    """Raises ConfigError for what is no expression."""
    with duckdb.connect(":memory:") as connection:
        return [_parsed(connection, text) for text in texts]


def _parsed(connection: duckdb.DuckDBPyConnection, text: str) -> Node:
    ((told,),) = connection.execute("select json_serialize_sql($1)", [f"select {text}"]).fetchall()
    tree = json.loads(told)
    if tree["error"]:
        raise ConfigError(f"identity: not an SQL expression: {text}")
    node: Node = _bare(tree["statements"][0]["node"]["select_list"][0])
    return node


def _bare(node: Any) -> Any:
    """A tree without the places in the text it was read from, and without what it does not say:
    equal where the meaning is.
    """
    if isinstance(node, dict):
        return {
            name: _bare(part)
            for name, part in node.items()
            if name not in _SPARED and (name == "text" or part not in (None, False, ""))
        }
    return [_bare(part) for part in node] if isinstance(node, list) else node


def own() -> str:
    """The trees of our own texts as they are kept: a JSON object, a text a line."""
    texts = sorted({*CONDITIONS, *KEYS.values(), TWO_PEOPLE})
    lines = [
        f"{json.dumps(text)}: {json.dumps(tree, separators=(',', ':'), sort_keys=True)}"
        for text, tree in zip(texts, parsed(texts), strict=True)
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    Path(str(KEPT)).write_text(own(), "utf-8")
