"""What is asked, with the places where keys, times and pages go: `"/people/{id}"`, `"{ids}"`.

A placeholder may say how its value is written: `{since:unix}`. A parameter one of whose
placeholders has no value (the time of a first reading, the cursor of a first page) is left out.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from connectors.mapped.tables import Table, near
from connectors.matching import digits

Values = Mapping[str, Any]
_PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")
ABSENT: Any = object()
"""Stands for a parameter that is left out."""


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _sql(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _joined(sign: str) -> Callable[[Any], str]:
    def joined(values: Any) -> str:
        try:
            return sign.join(values)
        except TypeError:  # of numbers
            return sign.join(map(str, values))

    return joined


TIMES: Mapping[str, Callable[[Any], Any]] = {
    "": _rfc3339,
    "unix": lambda moment: int(moment.timestamp()),
    "unix_ms": lambda moment: int(moment.timestamp() * 1000),
    "date": lambda moment: moment.astimezone(UTC).date().isoformat(),
}
LISTS: Mapping[str, Callable[[Any], Any]] = {
    "": _joined(","),
    "space": _joined(" "),
    "semicolon": _joined(";"),
    "pipe": _joined("|"),
    "quoted": lambda values: ",".join(_sql(str(value)) for value in values),
}
TEXTS: Mapping[str, Callable[[Any], Any]] = {
    "": lambda value: value,
    "digits": lambda value: digits(str(value)),
    "lower": lambda value: str(value).lower(),
    "quoted": lambda value: _sql(str(value)),
}
_FORMS = {"since": TIMES, "until": TIMES, "ids": LISTS, "parents": LISTS}


class Template:
    """One text. `render` gives text, or the value itself where the text is one placeholder; `made`
    does the same in the shortest way for this text.
    """

    __slots__ = ("_parts", "names")

    def __init__(self, text: str) -> None:
        """Raises ValueError for a way of writing that there is not."""
        self._parts: list[str | tuple[str, Callable[[Any], Any]]] = []
        self.names: list[str] = []
        end = 0
        for place in _PLACE.finditer(text):
            if place.start() > end:
                self._parts.append(text[end : place.start()])
            self._parts.append((place[1], _form(place[1], place[2] or "")))
            self.names.append(place[1])
            end = place.end()
        if end < len(text) or not self._parts:
            self._parts.append(text[end:])

    def made(self) -> Callable[[Values], Any]:
        if len(self._parts) > 1:
            return self.render
        (part,) = self._parts
        if isinstance(part, str):
            return lambda _values: part
        name, form = part

        def one(values: Values) -> Any:
            value = values.get(name)
            return ABSENT if value is None else form(value)

        return one

    def render(self, values: Values, quoted: Callable[[str], str] = str) -> Any:
        parts: list[Any] = []
        for part in self._parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            value = values.get(part[0])
            if value is None:
                return ABSENT
            parts.append(part[1](value))
        if len(parts) == 1 and self.names and quoted is str:
            return parts[0]
        pairs = zip(parts, self._parts, strict=True)
        return "".join(one if isinstance(part, str) else quoted(str(one)) for one, part in pairs)


def _form(name: str, form: str) -> Callable[[Any], Any]:
    forms = _FORMS.get(name, TEXTS)
    if form not in forms:
        allowed = ", ".join(f"{{{name}:{each}}}" for each in forms if each)
        raise ValueError(f"{{{name}:{form}}}: must be one of {allowed}")
    return forms[form]


class Blank:
    """A place for texts with placeholders, of which it knows who may stand there and who does.

    `known` are the names that have values; after everything was read, `used` are those that occur.
    """

    def __init__(self, known: Collection[str]) -> None:
        self.known = known
        self.used: set[str] = set()

    def template(self, table: Table, name: str, text: str) -> Template:
        try:
            found = Template(text)
        except ValueError as error:
            table.wrong(name, str(error))
            return Template("")
        for each in found.names:
            if each not in self.known:
                there = ", ".join(f"{{{one}}}" for one in self.known)
                table.wrong(name, f"no {{{each}}} here{near(each, self.known)}; there are {there}")
        self.used.update(found.names)
        return found

    def path(self, table: Table, name: str, text: str) -> Callable[[Values], str]:
        """A path of a URL: what is put in is quoted as one part of it."""
        template = self.template(table, name, text)
        if not template.names:
            return lambda _values: text
        return lambda values: str(template.render(values, _segment))

    def pairs(self, table: Table, name: str) -> Callable[[Values], tuple[tuple[str, str], ...]]:
        """A table of parameters; a list repeats its parameter, and so does a list of values."""
        written = table.raw(name) or {}
        if not isinstance(written, dict):
            table.wrong(name, "must be a table")
            written = {}
        made = [(each, self.tree(table, f"{name}.{each}", one)) for each, one in written.items()]

        def pairs(values: Values) -> tuple[tuple[str, str], ...]:
            found: list[tuple[str, str]] = []
            for each, one in made:
                value = one(values)
                if value.__class__ is str:
                    found.append((each, value))
                elif value is not ABSENT:
                    many = value if isinstance(value, list) else [value]
                    found += [(each, _shown(item)) for item in many]
            return tuple(found)

        return pairs

    def tree(self, table: Table, name: str, written: Any) -> Callable[[Values], Any]:
        """A value as JSON has them: in texts placeholders, `["{ids}"]` is the list itself."""
        if isinstance(written, str):
            return self.template(table, name, written).made()
        if isinstance(written, dict):
            items = [(k, self.tree(table, f"{name}.{k}", one)) for k, one in written.items()]
            return lambda values: _without(items, values)
        if isinstance(written, list):
            whole = self._whole_list(table, name, written)
            if whole is not None:
                return whole
            each = [self.tree(table, f"{name}[{i}]", one) for i, one in enumerate(written)]
            return lambda values: [one for make in each if (one := make(values)) is not ABSENT]
        return lambda _values: written

    def _whole_list(
        self, table: Table, name: str, written: Sequence[Any]
    ) -> Callable[[Values], Any] | None:
        if len(written) != 1 or written[0] not in ("{ids}", "{parents}"):
            return None
        (listed,) = self.template(table, name, written[0]).names
        return lambda values: list(values[listed])


def _without(items: Sequence[tuple[str, Callable[[Values], Any]]], values: Values) -> Any:
    return {key: one for key, make in items if (one := make(values)) is not ABSENT}


def _segment(value: str) -> str:
    return quote(value, safe="")


def _shown(value: Any) -> str:
    """A parameter of a URL is text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
