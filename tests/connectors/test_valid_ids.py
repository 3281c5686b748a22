"""Which ids can be asked for: all of a list in one go as each by itself."""

import pytest

from connectors.mapped.asking import valid_ids
from connectors.spec import BY_CHARACTER, any_id, are_valid, decimal_id

LISTS = [
    *([], [""], ["1"], ["1", ""], ["", "2"], ["12", "3"], ["a", "b"], ["a,b"], ["a", "b c"]),
    *(["1", "x"], ["1;", "2"], ["\u0663"], ["1", "\u0663"], ["a\nb"], ["7\n"], ["p|q", "r"]),
]
FORMS = {
    "any": any_id,
    "decimal": decimal_id,
    "number": valid_ids(integer=True, size=5),
    "piece": valid_ids(integer=False, size=5),
    "alone": valid_ids(integer=False, size=1),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_list_is_valid_where_each_of_it_is(name: str) -> None:
    for ids in LISTS:
        assert are_valid(FORMS[name], ids) is all(map(FORMS[name], ids)), ids


def test_ids_of_a_mapping_are_judged_in_one_go() -> None:
    assert {FORMS["number"], FORMS["piece"]} <= BY_CHARACTER
