"""A table of a mapping while it is read: what is wrong is noted with its place, all of it."""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from domain.errors import ConfigError

Problem = tuple[str, str]
"""The key's path, and what is wrong there."""
T = TypeVar("T")


class MappingError(ConfigError):
    """A mapping that cannot be used, with everything that is wrong with it."""

    def __init__(self, place: str, problems: Collection[Problem]) -> None:
        told = "; ".join(f"{key}: {what}" if key else what for key, what in problems)
        super().__init__(f"{place}: {told}")
        self.problems = tuple(problems)


class Table:
    """Hands out the values of one table, each of the type it must have; `done` names the keys that
    nobody asked for. A value of another type is noted, and its default stands in for it.
    """

    def __init__(self, values: Mapping[str, Any], place: str, problems: list[Problem]) -> None:
        self.place = place
        self._values = values
        self._problems = problems
        self._asked: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def mentions(self, text: str) -> bool:
        """Whether it occurs in any value; no key counts as asked for by that."""
        return text in str(self._values)

    def wrong(self, name: str, what: str) -> None:
        self._problems.append((self._at(name), what))

    def raw(self, name: str) -> Any:
        if name not in self._asked:
            self._asked.append(name)
        return self._values.get(name)

    def text(self, name: str, default: str = "") -> str:
        return self._typed(name, str, default, "must be text in quotes")

    def needed_text(self, name: str) -> str:
        if name not in self._values:
            self.raw(name)
            self.wrong(name, "must be set")
        return self.text(name)

    def flag(self, name: str) -> bool:
        return self._typed(name, bool, False, "must be true or false")

    def whole(self, name: str, default: int, least: int = 1) -> int:
        value = self._typed(name, int, default, f"must be a whole number from {least}")
        if value < least:
            self.wrong(name, f"must be a whole number from {least}")
        return value

    def seconds(self, name: str, default: float) -> float:
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
            self.wrong(name, "must be a number of seconds")
            return default
        return float(value)

    def one_of(self, name: str, allowed: Mapping[str, T], default: T) -> T:
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, str) or value not in allowed:
            self.wrong(name, f"must be one of {', '.join(allowed)}{near(value, allowed)}")
            return default
        return allowed[value]

    def texts(self, name: str) -> dict[str, str]:
        """A table of text, empty where there is none."""
        value = self.raw(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            self.wrong(name, "must be a table of text")
            return {}
        return value

    def table(self, name: str) -> "Table | None":
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.wrong(name, "must be a table")
            return None
        return Table(value, self._at(name), self._problems)

    def done(self) -> None:
        for name in self._values:
            if name not in self._asked:
                hint = near(name, self._asked) or f"; known are {', '.join(sorted(self._asked))}"
                self.wrong(name, f"unknown key{hint}")

    def _typed(self, name: str, kind: type[T], default: T, otherwise: str) -> T:
        value = self.raw(name)
        if value is None:
            return default
        if type(value) is not kind:
            self.wrong(name, otherwise)
            return default
        return value

    def _at(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place and name else self.place or name


def near(name: object, known: Collection[str]) -> str:
    """What may have been meant, as the end of a sentence."""
    found = get_close_matches(str(name), known, 1)
    return f"; did you mean {found[0]}?" if found else ""
