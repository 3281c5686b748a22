"""Making many frozen records quickly.

A frozen dataclass sets each attribute by a call, which takes several times as long as setting it.
So where records are made by the hundred for each request, their slots are filled while they are of
a class that is not frozen, and has the same ones:

    made = NEW()                      # NEW = thawed(SourceKey)
    made.source, made.kind, made.external_id = "crm", Kind.CONTACT, "1"
    made.__class__ = SourceKey        # from here on it is frozen, and like any other
"""

from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cache
from types import new_class
from typing import Any, TypeVar, cast

T = TypeVar("T")


@cache
def thawed(record: type[Any]) -> type[Any]:
    """The class to fill: made without arguments, and attributes are set as on any object. All must
    be, since defaults are the record's own business.

    It is the record's own with what a frozen one forbids given back: where two classes have the
    very same slots, and not slots of the same names, an object changes between them more quickly.
    """
    body = {
        "__slots__": (),
        "__init__": object.__init__,
        "__setattr__": object.__setattr__,
        "__delattr__": object.__delattr__,
    }
    return new_class(record.__name__, (record,), exec_body=lambda space: space.update(body))


@cache
def changing(record: type[Any], name: str) -> Callable[[Any, Any], Any]:
    """What copies a record of this class with another value of one attribute: as
    `dataclasses.replace` does, which makes four calls of each copy.
    """
    kept = (each.name for each in fields(record) if each.name != name)
    lines = [
        "def changed(record, value):",
        "    made = new()",
        f"    made.{name} = value",
        *(f"    made.{each} = record.{each}" for each in kept),
        "    made.__class__ = frozen",
        "    return made",
    ]
    kind: Any = record  # a class is hashable, which its type does not say
    space: dict[str, Any] = {"new": thawed(kind), "frozen": record}
    exec("\n".join(lines), space)  # noqa: S102  # of the names of a class of ours
    made: Callable[[Any, Any], Any] = space["changed"]
    return made


def quick(record: type[T]) -> type[T]:
    """What makes a record of this class as calling it does, in a third of the time: for those made
    a few times for each call to a source. Its type is the class, so that arguments are checked.
    """
    kind: Any = record
    return cast(type[T], _made(kind))


@cache
def _made(record: type[Any]) -> Callable[..., Any]:
    if hasattr(record, "__post_init__"):
        raise TypeError(f"{record.__name__} looks at itself when it is made")
    kind: Any = record
    space: dict[str, Any] = {"new": thawed(kind), "frozen": record, "absent": MISSING}
    given: dict[bool, list[str]] = {False: [], True: []}
    lines = ["    made = new()"]
    for each in fields(record):
        name, value = each.name, each.name
        default = "" if each.default is MISSING else f"=default_{name}"
        space[f"default_{name}"] = each.default
        if each.default_factory is not MISSING:
            space[f"new_{name}"] = each.default_factory
            default, value = "=absent", f"new_{name}() if {name} is absent else {name}"
        given[each.kw_only is True].append(f"{name}{default}")
        lines.append(f"    made.{name} = {value}")
    named = ["*", *given[True]] if given[True] else []
    head = f"def made({', '.join([*given[False], *named])}):"
    source = "\n".join([head, *lines, "    made.__class__ = frozen", "    return made"])
    exec(source, space)  # noqa: S102  # of the names of a class of ours
    made: Callable[..., Any] = space["made"]
    return made
