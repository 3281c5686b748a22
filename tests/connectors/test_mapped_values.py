"""The statements that a mapping runs, against the converters they stand for."""

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from connectors.mapped import converters, values
from connectors.mapped.values import Value
from connectors.reading import UNREADABLE, Reading
from domain.ids import Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import RECORD_TYPES
from domain.vocabulary import Channel, SystemKind

AT = Reading(
    system=System(name="here", kind=SystemKind.CRM, connector="rest"),
    fetched_at=datetime(2026, 3, 2, tzinfo=UTC),
    time_zone="Europe/Berlin",
)
WORDS = {"web": Channel.WEB_CHAT}
GIVEN: list[Any] = [
    *(None, "", " ", "a", " b ", "web", "WEB", True, False, 0, 7, -3, 1.5, 12.34, 0.1 + 0.2),
    *(2.0**50, -0.01, float("nan"), float("inf"), "12.50", "7", [], ["a", "b"], {}, {"a": 1}),
    *("2026-01-02T03:04:05Z", "2026-01-02T03:04:05", "2026-01-02T03:04:05+02:00", " 2026-01-02 "),
]


class Space(dict[str, Any]):
    def __init__(self) -> None:
        super().__init__(str=str, int=int, float=float, at=AT)

    def bind(self, value: object) -> str:
        name = f"c{len(self)}"
        self[name] = value
        return name


def forms(space: Space) -> dict[str, Value]:
    bind = space.bind
    call = {name: bind(found) for name, (found, _) in converters.CONVERTERS.items()}
    return {
        "text": values.text("given", call["text"]),
        "id": values.identifier("given", call["id"]),
        "texts": values.texts("given", call["texts"]),
        "integer": values.integer("given", call["integer"]),
        "time": values.instant("given", call["time"], bind),
        "euros": values.money("given", call["money"], bind("eur"), "eur", bind),
        "yen": values.money("given", call["money"], bind("JPY"), "JPY", bind),
        "word": values.worded("given", bind(converters.worded), bind(WORDS), bind(Channel.UNKNOWN)),
    }


def outcome(lines: str, space: dict[str, Any]) -> object:
    try:
        exec(lines, space)  # noqa: S102  # of values.py
    except UNREADABLE as error:
        return type(error)
    return space["found"], space.get("own")


@pytest.mark.parametrize("name", forms(Space()))
def test_statements_come_to_what_the_converter_comes_to(name: str) -> None:
    space = Space()
    form = forms(space)[name]
    target = "found, own" if name == "word" else "found"
    for given in GIVEN:
        called = outcome(f"{target} = {form.expression}", {**space, "given": given})
        lines = "\n".join(form.into("found", "own" if name == "word" else ""))
        assert outcome(lines, {**space, "given": given}) == called, given


def test_money_has_the_text_of_its_amount_at_hand() -> None:
    space = Space()
    lines = "\n".join(forms(space)["euros"].into("found"))
    dice = Random(20261122)
    cents = [0, 1, -1, 99, 100, -12_345, 2**52, *(dice.randrange(2**52) for _ in range(200))]
    for given in (-0.0, 7, -3, 2**46, *(each / 100 for each in cents)):
        found: Any = outcome(lines, {**space, "given": given})
        assert found[0].text == str(found[0].amount), given
    assert outcome(lines, {**space, "given": "1.5"})[0].text == "1.50"  # type: ignore[index]


@pytest.mark.parametrize("kind", RECORD_TYPES)
def test_a_record_whose_slots_are_filled_is_the_record_that_is_constructed(kind: Kind) -> None:
    space = Space()
    key = SourceKey("here", kind, "1")
    made: dict[str, object] = {
        "key": key,
        "provenance": Provenance(system=AT.system, external_id="1", fetched_at=AT.fetched_at),
    }
    needed = {"occurred_at", "at"} & set(RECORD_TYPES[kind].__slots__)
    made |= dict.fromkeys(needed, AT.fetched_at)
    if kind is Kind.MESSAGE:
        made["author"] = None
    form = values.instance(
        RECORD_TYPES[kind], {name: space.bind(value) for name, value in made.items()}, space.bind
    )
    filled, _ = outcome("\n".join(form.into("found")), dict(space))  # type: ignore[misc]
    constructed, _ = outcome(f"found = {form.expression}", dict(space))  # type: ignore[misc]
    assert filled == constructed
    assert (type(filled), repr(filled)) == (RECORD_TYPES[kind], repr(constructed))
    with pytest.raises(AttributeError):
        filled.key = key
