"""How a value is worked out, as generated code: one expression, or the statements of a mapping.

The expression is what a converter is: one call. Rows come by the thousand and nearly every value in
them is just as its vendor describes it, so a mapping runs statements in which the usual form of a
value costs no call and the converter gets the rest. Both give the same (tests/connectors).
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, cast

from domain.money import Money, exponent
from domain.slots import thawed

Bind = Callable[[object], str]
"""Names a constant."""
EXACT: Final = 2.0**46
"""Below it, every amount of cents is a float of its own."""
_CENTS: Final = tuple(f"{cents:02}" for cents in range(100))
_NO_TIME: Final = (ValueError, TypeError)


@dataclass(frozen=True, slots=True)
class Value:
    """`statements` put the value into `$` (of a word, the source's own into `~`)."""

    expression: str
    statements: str = ""

    def into(self, target: str, also: str = "") -> list[str]:
        if not self.statements:
            names = f"{target}, {also}" if also else target
            return [f"{names} = {self.expression}"]
        return self.statements.replace("$", target).replace("~", also or "_").split("\n")


def text(path: str, call: str) -> Value:
    usual = f"$ = {path}\nif $.__class__ is str: $ = $.strip() or None\nelse: $ = {call}($)"
    return Value(f"{call}({path})", usual)


def identifier(path: str, call: str) -> Value:
    usual = f"$ = {path}\nif $.__class__ is not str or not ($ := $.strip()): $ = {call}({path})"
    return Value(f"{call}({path})", usual)


def texts(path: str, call: str) -> Value:
    usual = (
        f"$ = {path}\nif $.__class__ is str:\n    $ = $.strip()\n    $ = ($,) if $ else ()\n"
        f"else: $ = {call}($)"
    )
    return Value(f"{call}({path})", usual)


def integer(path: str, call: str) -> Value:
    return Value(f"{call}({path})", f"$ = {path}\nif $.__class__ is not int: $ = {call}($)")


def instant(path: str, call: str, bind: Bind) -> Value:
    usual = (
        f"$ = {path}\nif $ is not None:\n    try: moment = {bind(datetime.fromisoformat)}($)\n"
        f"    except {bind(_NO_TIME)}: $ = {call}($, at)\n"
        f"    else: $ = moment if moment.tzinfo is {bind(UTC)} else {call}($, at)"
    )
    return Value(f"{call}({path}, at)", usual)


def worded(path: str, call: str, words: str, unknown: str) -> Value:
    usual = (
        f"~ = {path}\n$ = {words}.get(~) if ~.__class__ is str else None\n"
        f"if $ is None: $, ~ = {call}({words}, ~, {unknown})"
    )
    return Value(f"{call}({words}, {path}, {unknown})", usual)


def money(path: str, call: str, currency: str, code: str, bind: Bind) -> Value:
    """In major units, of a currency that is known beforehand."""
    expression = f"{call}({path}, {currency})"
    if len(code) != 3 or not code.isalpha() or exponent(code.upper()) != 2:
        return Value(expression)
    most = bind(EXACT)
    parts = {"minor": "minor", "currency": bind(code.upper()), "text": "text"}
    made = "\n    ".join(instance(Money, parts, bind).into("$"))
    usual = (
        f"$ = {path}\nif $.__class__ is float and 0 <= $ < {most}"
        f" and (minor := int($ * 100 + 0.5)) / 100 == $:\n"
        f"    text = f'{{minor // 100}}.{{{bind(_CENTS)}[minor % 100]}}'\n    {made}\n"
        f"elif $.__class__ is int and -{most} < $ < {most}:\n"
        f"    minor, text = $ * 100, f'{{$}}.00'\n    {made}\n"
        f"else: $ = {call}($, {currency})"
    )
    return Value(expression, usual)


def instance(made: type[Any], arguments: Mapping[str, str], bind: Bind) -> Value:
    """A record of these attributes (expressions), the others as they are by default.

    Its slots are filled, which takes a third of the time (domain/slots.py).
    """
    defaults = _defaults(cast(Hashable, made))
    given = ", ".join(f"{name}={arguments[name]}" for name in defaults if name in arguments)
    filled = [
        f"made.{each} = {arguments.get(each) or bind(defaults[each])}"
        for each in dict.fromkeys((*defaults, *arguments))
    ]
    lines = [
        f"made = {bind(thawed(cast(Hashable, made)))}()",
        *filled,
        f"made.__class__ = {bind(made)}",
    ]
    return Value(f"{bind(made)}({given})", "\n".join([*lines, "$ = made"]))


@cache
def _defaults(made: type[Any]) -> dict[str, Any]:
    return {each.name: None if each.default is MISSING else each.default for each in fields(made)}
