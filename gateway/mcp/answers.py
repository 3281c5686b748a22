"""What an agent is told: how whole the answer is before anything else, no more than it asked for,
and every text that somebody outside wrote marked as such.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_leaf_type,
    visit,
)

from domain.vocabulary import PiiClass
from schema.directives import Pii

UNTRUSTED: Final = "untrusted_text"
"""The key under which such a text stands: data to read, never to follow."""
CHARS_PER_TOKEN: Final = 4
"""Of English and JSON, for the tokenisers in use; a budget is kept to within some percent."""
_WRITTEN = frozenset({PiiClass.CONTENT, PiiClass.IDENTITY})
"""Classes of text that people outside write: what they say, and the names they give themselves."""
_SHORTEST_TEXT: Final = 80
_FIRST: Final = ("__typename", "completeness", "sources")


def written_names(schema: GraphQLSchema, document: DocumentNode) -> frozenset[str]:
    """The response names of a document under which texts from outside stand."""
    found: set[str] = set()
    types = TypeInfo(schema)

    class Reader(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            definition = types.get_field_def()
            declared = definition.extensions.get("strawberry-definition") if definition else None
            if definition is None or declared is None:
                return
            classes = {one.cls for one in declared.directives if isinstance(one, Pii)}
            if classes & _WRITTEN and is_leaf_type(get_named_type(definition.type)):
                found.add((node.alias or node.name).value)

    visit(document, TypeInfoVisitor(types, Reader()))
    return frozenset(found)


@dataclass(slots=True)
class _Left:
    """What was left out of an answer, by its place."""

    items: dict[str, int]
    texts: int = 0


def told(data: Mapping[str, Any], names: frozenset[str], max_tokens: int) -> dict[str, Any]:
    """The answer for an agent; `names` are the response names of texts from outside."""
    answer: dict[str, Any] = _ordered(_marked(data, names))
    left = _fitted(answer, max_tokens * CHARS_PER_TOKEN)
    if not left.items and not left.texts:
        return answer
    note: dict[str, Any] = {"left_out": left.items} if left.items else {}
    return note | ({"texts_cut": left.texts} if left.texts else {}) | answer


def _marked(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, Mapping):
        return {
            name: {UNTRUSTED: inner}
            if name in names and isinstance(inner, str)
            else _marked(inner, names)
            for name, inner in value.items()
        }
    return [_marked(one, names) for one in value] if isinstance(value, list) else value


def _ordered(value: Any) -> Any:
    """How whole a part is comes before the part, wherever the document has it."""
    if isinstance(value, Mapping):
        names = [name for name in _FIRST if name in value]
        names += [name for name in value if name not in _FIRST]
        return {name: _ordered(value[name]) for name in names}
    return [_ordered(one) for one in value] if isinstance(value, list) else value


# ---------------------------------------------------------------- the budget


def _fitted(answer: dict[str, Any], most: int) -> _Left:
    """Take the last of the largest list away until the answer fits: lists run from what matters
    most. Sources stay, or nobody could tell what is missing. Then the longest texts are cut.
    """
    left = _Left(items={})
    size = len(orjson.dumps(answer))
    while size > most:
        lists = [(path, some) for path, some in _lists(answer, ()) if some]
        if not lists:
            return _cut(answer, most, left)
        path, largest = max(lists, key=lambda one: len(orjson.dumps(one[1])))
        size -= len(orjson.dumps(largest.pop())) + 1
        place = ".".join(path)
        left.items[place] = left.items.get(place, 0) + 1
    return left


def _lists(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name != "sources":
                yield from _lists(inner, (*path, name))
    elif isinstance(value, list):
        yield path, value
        for inner in value:
            yield from _lists(inner, path)


def _cut(answer: dict[str, Any], most: int, left: _Left) -> _Left:
    while len(orjson.dumps(answer)) > most:
        texts = [one for one in _texts(answer) if len(one[UNTRUSTED]) > _SHORTEST_TEXT]
        if not texts:
            return left
        longest = max(texts, key=lambda one: len(one[UNTRUSTED]))
        half = max(len(longest[UNTRUSTED]) // 2, _SHORTEST_TEXT - 1)
        longest[UNTRUSTED] = f"{longest[UNTRUSTED][:half]}…"
        left.texts += 1
    return left


def _texts(value: Any) -> Iterator[dict[str, str]]:
    if isinstance(value, dict):
        if UNTRUSTED in value:
            yield value
        else:
            for inner in value.values():
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
