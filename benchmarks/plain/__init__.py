"""Plain Splink: what its documentation teaches, on records that are already normalised.

Library comparisons, term frequencies, eight blocking rules, random sampling and expectation
maximisation; connected components at the weight that is best on people-train-20k.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import splink.comparison_library as library
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

WEIGHT = 10.0
COLUMNS: Mapping[str, Callable[[], Any]] = {
    "given": lambda: library.NameComparison("given").configure(term_frequency_adjustments=True),
    "family": lambda: library.NameComparison("family").configure(term_frequency_adjustments=True),
    "birth_date": lambda: library.DateOfBirthComparison(
        "birth_date", input_is_string=True, datetime_format="%Y%m%d"
    ),
    "email": lambda: library.EmailComparison("email"),
    "phone": lambda: library.LevenshteinAtThresholds("phone", 1),
    "account": lambda: library.LevenshteinAtThresholds("account", 1),
    "street": lambda: library.JaroWinklerAtThresholds("street", [0.9]),
    "postcode": lambda: library.ExactMatch("postcode").configure(term_frequency_adjustments=True),
    "city": lambda: library.ExactMatch("city").configure(term_frequency_adjustments=True),
}
"""Each column of `people` that is compared, with how."""
BLOCKS = (
    ("email",), ("phone",), ("account",), ("given", "family"), ("family", "postcode"),
    ("given", "postcode"), ("birth_date", "given"), ("birth_date", "family"),
)  # fmt: skip
TRAIN_BLOCKS = (("email",), ("phone",), ("given", "family"), ("birth_date",), ("postcode",))
SURE = (("email", "family"), ("account",), ("given", "family", "birth_date"))


def trained(api: DuckDBAPI, table: str) -> Linker:
    """A linker over a table of `unique_id` and the columns, trained on it."""
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[compare() for compare in COLUMNS.values()],
        blocking_rules_to_generate_predictions=_rules(BLOCKS),
    )
    linker = Linker(api.register(table), settings, log_level=None)
    training = linker.training
    training.estimate_probability_two_random_records_match(_rules(SURE), recall=0.5)
    training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for rule in _rules(TRAIN_BLOCKS):
        training.estimate_parameters_using_expectation_maximisation(rule)
    return linker


def _rules(blocks: Sequence[tuple[str, ...]]) -> list[Any]:
    return [block_on(*block) for block in blocks]
