"""One field of a mapping: where it stands, and by which converter it becomes a value.

number   = "order_no"                                                     a path
emails   = ["email", "contact.email"]                                     several
placed   = { path = "created", as = "unix_ms" }                           a named converter
total    = { path = "total", currency = "EUR" }                           money
status   = { path = "state", words = { placed = "CONFIRMED" } }           a status table
channel  = { value = "STORE" }                                            always the same
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from connectors.mapped import converters, values
from connectors.mapped.paths import Path
from connectors.mapped.tables import Table
from connectors.mapped.values import Value
from connectors.reading import RowError, text

TEXT = ("text",)
TEXTS = ("texts",)
IDENTIFIER = ("id",)
TIME = ("time", "unix", "unix_ms")
DATE = ("date",)
NUMBER = ("integer",)
YES_OR_NO = ("flag",)
MONEY = ("money", "minor_units")


class Code:
    """Python under construction: expressions over `row` and `at`, and the constants they name."""

    def __init__(self, words: Mapping[str, Mapping[str, str]]) -> None:
        self.space: dict[str, Any] = {}
        self.words = words
        self._names: dict[int, str] = {}

    def bind(self, value: object) -> str:
        """The name of a constant. Nothing of a mapping but keys of rows stands in the code itself,
        and those as quoted text.
        """
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = f"c{len(self.space)}"
            self.space[name] = value
        return name


class Rule:
    """A field as it was written; its paths start from the variable `row`."""

    def __init__(self, table: Table, name: str, code: Code, row: str = "row") -> None:
        self._code = code
        self._row = row
        self._holder, self._name = table, name
        self._own = table.table(name) if isinstance(table.raw(name), dict) else None

    def converted(self, allowed: tuple[str, ...]) -> Value:
        """By the first of the converters unless the field names another."""
        name = self._converter(allowed)
        value = self._constant()
        form = self._own.text("format") if self._own and name in ("time", "date") else ""
        if value is not None:
            found = Value(f"({self._code.bind(value)})")
        elif name == "texts":
            found = self._texts(self._paths())
        elif name in MONEY:
            found = self._money(name)
        elif form:
            function = converters.formatted if name == "time" else converters.formatted_date
            at = ", at" if name == "time" else ""
            call = f"{self._code.bind(function)}({self._path()}{at}, {self._code.bind(form)})"
            found = Value(call)
        else:
            found = self._plain(name)
        self.done()
        return found

    def worded(self, kind: type[StrEnum], unknown: StrEnum) -> Value:
        """A pair: the member, and the source's own word."""
        fixed = self._fixed(kind)
        if fixed is not None:
            found = Value(self._code.bind((fixed, None)))
        else:
            words, other = self._code.bind(self._words(kind)), self._code.bind(unknown)
            call = self._code.bind(converters.worded)
            found = values.worded(self._path(), call, words, other)
        self.done()
        return found

    def spoken(self, kind: type[StrEnum]) -> str:
        """The expression of a member that must be known: over another word the row is dropped."""
        fixed = self._fixed(kind)
        if fixed is not None:
            found = self._code.bind(fixed)
        else:
            words = self._code.bind(self._words(kind))
            found = f"{self._code.bind(_surely)}({words}, {self._path()})"
        self.done()
        return found

    def done(self) -> None:
        if self._own is not None:
            self._own.done()

    # ------------------------------------------------------------ parts

    def _plain(self, name: str) -> Value:
        path, call = self._path(), self._function(name)
        usual = {"text": values.text, "id": values.identifier, "integer": values.integer}
        if name in usual:
            return usual[name](path, call)
        if name == "time":
            return values.instant(path, call, self._code.bind)
        return Value(f"{call}({path}{', at' if converters.CONVERTERS[name][1] else ''})")

    def _texts(self, paths: list[str]) -> Value:
        call = self._code.bind(converters.all_texts)
        return values.texts(paths[0], call) if len(paths) == 1 else Value(_called(call, *paths))

    def _money(self, name: str) -> Value:
        path, currency, call = self._path(), self._currency(), self._function(name)
        code = self._code.space.get(currency)
        if name != "money" or not isinstance(code, str):
            return Value(_called(call, path, currency))
        return values.money(path, call, currency, code, self._code.bind)

    def _converter(self, allowed: tuple[str, ...]) -> str:
        if self._own is None:
            return allowed[0]
        return self._own.one_of("as", {name: name for name in allowed}, allowed[0])

    def _constant(self) -> str | None:
        if self._own is None or "value" not in self._own:
            return None
        return self._own.text("value")

    def _fixed(self, kind: type[StrEnum]) -> StrEnum | None:
        value = self._constant()
        member = None if value is None else _member(kind, value)
        if value is not None and member is None:
            self._wrong("value", f"must be one of {', '.join(kind)}")
        return member

    def _path(self) -> str:
        return self._paths()[0]

    def _paths(self) -> list[str]:
        if self._own is not None:
            written = self._own.raw("path")
            place, name = self._own, "path"
        else:
            written = self._holder.raw(self._name)
            place, name = self._holder, self._name
        texts = written if isinstance(written, list) else [written]
        return [self._source(text, place, name) for text in texts] or ["None"]

    def _source(self, text: object, place: Table, name: str) -> str:
        if not isinstance(text, str):
            place.wrong(name, "must be a path, as text in quotes")
            return "None"
        return path_of(place, name, text).source(self._row, self._code.bind)

    def _currency(self) -> str:
        if self._own is not None and "currency_path" in self._own:
            return self._source(self._own.text("currency_path"), self._own, "currency_path")
        code = self._own.text("currency") if self._own is not None else ""
        if len(code) != 3 or not code.isalpha():
            self._wrong("currency", 'must be set, as in "EUR", or currency_path')
        return self._code.bind(code)

    def _words(self, kind: type[StrEnum]) -> Mapping[str, StrEnum]:
        """The table of the field, a named one, or the graph's own words."""
        own = self._own.texts("words") if self._own is not None else {}
        name = self._own.text("table") if self._own is not None else ""
        if name and name not in self._code.words:
            self._wrong(
                "table", f"no such table; there are {', '.join(self._code.words) or 'none'}"
            )
        given = {**self._code.words.get(name, {}), **own} or {word: word for word in kind}
        words: dict[str, StrEnum] = {}
        for word, value in given.items():
            member = _member(kind, value)
            if member is None:
                self._wrong("words", f"{word}: must be one of {', '.join(kind)}")
            else:
                words[word] = words[word.lower()] = member
        return words

    def _function(self, name: str) -> str:
        return self._code.bind(converters.CONVERTERS[name][0])

    def _wrong(self, name: str, what: str) -> None:
        if self._own is not None:
            self._own.wrong(name, what)
        else:
            self._holder.wrong(self._name, f"{name}: {what}")


def _called(call: str, *arguments: str) -> str:
    return f"{call}({', '.join(arguments)})"


def path_of(table: Table, name: str, text: str) -> Path:
    """The path, or one that leads nowhere where the text is none."""
    try:
        return Path(text)
    except ValueError as error:
        table.wrong(name, str(error))
        return Path("@")


def _member(kind: type[StrEnum], value: str) -> StrEnum | None:
    return kind.__members__.get(value)


def _surely(words: Mapping[str, StrEnum], value: object) -> StrEnum:
    member = words.get((text(value) or "").lower())
    if member is None:
        raise RowError("a word that no table names")
    return member
