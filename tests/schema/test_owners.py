"""Customers for whom a field is read at once."""

from dataclasses import replace

from domain.provenance import Freshness
from resolvers.customer import Customer
from schema.owners import by_freshness

YOUNG, OLD = Freshness(max_age_ms=1), Freshness(max_age_ms=2)
ONE = Customer(id="cus_one", version=1, freshness=YOUNG)
TWO = Customer(id="cus_two", version=1, freshness=OLD)


def test_all_who_were_handed_out_with_one_freshness_are_one_group():
    assert by_freshness([ONE, replace(ONE, id="cus_two")]) == [
        (range(2), [ONE, replace(ONE, id="cus_two")])
    ]


def test_others_are_grouped_with_their_indices_whoever_made_the_freshness():
    equal = replace(ONE, id="cus_three", freshness=Freshness(max_age_ms=1))
    assert by_freshness([ONE, TWO, equal]) == [([0, 2], [ONE, equal]), ([1], [TWO])]
