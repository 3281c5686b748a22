"""Frozen records that are made and copied by filling their slots."""

from dataclasses import FrozenInstanceError, replace

import pytest

from domain.records import Actor, Order
from domain.slots import changing, thawed
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
