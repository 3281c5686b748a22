"""A trained model: what each comparison level is worth. A small JSON file that names its version.

{"model_version": "...", "probability_two_random_records_match": 1e-4,
 "comparisons": {"email": {"same": {"m": 0.7, "u": 1e-5}, ...}, ...}}
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

from domain.errors import InputError
from identity.comparisons import COMPARISONS, Comparison, Level

Weights = Mapping[str, Mapping[str, tuple[float, float]]]
"""comparison -> level -> (m, u)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """`prior` is the probability that two of `records` records drawn at random are one person."""

    version: str
    prior: float
    records: int
    weights: Weights

    @property
    def prior_weight(self) -> float:
        return math.log2(self.prior / (1 - self.prior))

    def level_weight(self, comparison: str, level: str) -> float:
        """log2 of m over u, before term frequency."""
        m, u = self.weights[comparison][level]
        return math.log2(m / u)


def probability(weight: float) -> float:
    """Of log2 odds."""
    if weight >= 0:
        return 1 / (1 + 2**-weight)
    return 2**weight / (1 + 2**weight)


TYPICAL = 500
"""Records that say how frequent a value is by the model's chance agreement, beside those counted:
in a handful every name looks common.
"""
LEAST_STEP = 1e-6
"""Weights of neighbouring levels differ by at least this, so that a weight names its level."""


def bundled() -> Model:
    """The default model that ships with the product (docs/identity-model.md)."""
    text = resources.files("identity").joinpath("model/default.json").read_text("utf-8")
    return parse(text, "bundled model")


def load(path: Path) -> Model:
    try:
        return parse(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a model") from error


def parse(text: str, place: str) -> Model:
    """Refuses a model with a level that is missing, unknown or untrained, or weights that fall as
    agreement rises.
    """
    try:
        raw = json.loads(text)
        model = Model(
            version=str(raw["model_version"]),
            prior=float(raw["probability_two_random_records_match"]),
            records=int(raw["records"]),
            weights={
                comparison: {name: _m_u(level) for name, level in levels.items()}
                for comparison, levels in raw["comparisons"].items()
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{place}: not a model ({error})") from error
    check(model, place)
    return model


def _m_u(level: Mapping[str, Any]) -> tuple[float, float]:
    return float(level["m"]), float(level["u"])


def check(model: Model, place: str) -> None:
    if not 0 < model.prior < 1:
        raise InputError(f"{place}: probability_two_random_records_match must be between 0 and 1")
    known = {comparison.name for comparison in COMPARISONS}
    if model.records < 1:
        raise InputError(f"{place}: records must be the number of records trained on")
    if unknown := sorted(set(model.weights) - known):
        raise InputError(f"{place}: unknown comparison {unknown[0]}")
    for comparison in COMPARISONS:
        _check_comparison(model, comparison, place)


def _check_comparison(model: Model, comparison: Comparison, place: str) -> None:
    levels = model.weights.get(comparison.name, {})
    expected = [level.name for level in comparison.graded]
    if unknown := sorted(set(levels) - set(expected)):
        raise InputError(f"{place}: {comparison.name} has no level '{unknown[0]}'")
    for name in expected:
        m, u = levels.get(name, (0.0, 0.0))
        if not (0 < m <= 1 and 0 < u <= 1):
            raise InputError(f"{place}: {comparison.name}, level '{name}' is not trained")
    weights = [model.level_weight(comparison.name, name) for name in expected]
    if any(stronger - weaker < LEAST_STEP for stronger, weaker in pairwise(weights)):
        raise InputError(f"{place}: the weights of {comparison.name} do not fall with agreement")


def dump(model: Model) -> str:
    return json.dumps(
        {
            "model_version": model.version,
            "probability_two_random_records_match": model.prior,
            "records": model.records,
            "comparisons": {
                comparison: {name: {"m": m, "u": u} for name, (m, u) in levels.items()}
                for comparison, levels in model.weights.items()
            },
        },
        indent=1,
    )


def splink_settings(
    model: Model | None, blocking_rules: tuple[str, ...] = ("1=1",)
) -> dict[str, Any]:
    """The model as Splink reads it; without one, untrained."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "uid",
        "probability_two_random_records_match": model.prior if model else 1e-4,
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": rule, "sql_dialect": "duckdb"} for rule in blocking_rules
        ],
        "comparisons": [_splink_comparison(comparison, model) for comparison in COMPARISONS],
    }


def _splink_comparison(comparison: Comparison, model: Model | None) -> dict[str, Any]:
    levels = model.weights[comparison.name] if model else {}
    return {
        "output_column_name": comparison.name,
        "comparison_description": comparison.name,
        "comparison_levels": [_splink_level(level, levels) for level in comparison.levels],
    }


def _splink_level(level: Level, levels: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    written: dict[str, Any] = {"sql_condition": level.sql, "label_for_charts": level.name}
    if level.says_nothing:
        return written | {"is_null_level": True}
    if level.name in levels:
        m, u = levels[level.name]
        written |= {"m_probability": m, "u_probability": u}
    if level.tf:
        # Splink would look for the exact-match level by rewriting every condition to a normal form,
        # ten seconds of it for these; a level with frequencies is the exact match itself.
        written |= {
            "tf_adjustment_column": level.tf,
            "tf_adjustment_weight": 1.0,
            "disable_tf_exact_match_detection": True,
        }
    return written
