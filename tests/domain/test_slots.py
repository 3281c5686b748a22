"""Frozen records that are made and copied by filling their slots."""

from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import pytest

from domain.ids import Kind, SourceKey
from domain.records import Actor, Order
from domain.slots import changing, quick, thawed
from domain.vocabulary import ActorKind

ANN = Actor(kind=ActorKind.HUMAN, id="1", name="Ann")


@pytest.mark.parametrize("name", ["kind", "id", "name"])
def test_a_changed_copy_is_as_replace_makes_it(name):
    copy = changing(Actor, name)(ANN, "other")

    assert copy == replace(ANN, **{name: "other"})
    assert hash(copy) == hash(replace(ANN, **{name: "other"}))
    assert repr(copy) == repr(replace(ANN, **{name: "other"}))


def test_a_changed_copy_is_frozen_and_the_record_stays_as_it_was():
    copy = changing(Actor, "name")(ANN, "Bo")

    with pytest.raises(FrozenInstanceError):
        copy.name = "Cy"
    assert ANN.name == "Ann"


def test_what_was_left_empty_is_no_record_yet():
    with pytest.raises(AttributeError):
        changing(Order, "number")(thawed(Order)(), "7")


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    name: str
    notes: list[str] = field(default_factory=list)
    size: int = 7


@pytest.mark.parametrize(
    ("record", "given"),
    [
        (Actor, {"kind": ActorKind.HUMAN, "id": "1"}),
        (Noted, {"name": "a"}),
        (Noted, {"name": "a", "notes": ["b"]}),
    ],
)
def test_a_record_made_quickly_is_as_its_class_makes_it(record: Any, given: Any):
    made = quick(record)(**given)

    assert (made, repr(made)) == (record(**given), repr(record(**given)))
    with pytest.raises(FrozenInstanceError):
        made.name = "Cy"
    with pytest.raises(TypeError):
        quick(record)(**given, unknown=1)
    with pytest.raises(TypeError):
        quick(record)()


def test_what_is_given_in_order_is_taken_in_order():
    assert quick(SourceKey)("crm", Kind.ORDER, "1") == SourceKey("crm", Kind.ORDER, "1")
    assert quick(Noted)(name="a").notes is not quick(Noted)(name="a").notes


def test_a_class_that_checks_itself_is_not_made_quickly():
    @dataclass(frozen=True)
    class Checked:
        size: int

        def __post_init__(self):
            raise ValueError

    with pytest.raises(TypeError, match="Checked"):
        quick(Checked)
