"""A model is refused where it would mislead; what it scores can be explained to the last bit."""

import json
import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InputError
from identity import batch, explain, model, records
from identity.model import LEAST_STEP
from identity.training import falling


def bundled_json() -> dict[str, Any]:
    return json.loads(model.dump(model.bundled()))


def test_the_bundled_model_is_trained_and_falls_with_agreement() -> None:
    model.check(model.bundled(), "bundled")
    assert model.bundled().version


def test_an_untrained_level_is_refused() -> None:
    raw = bundled_json()
    raw["comparisons"]["email"]["same"]["m"] = 0
    with pytest.raises(InputError, match="email, level 'same' is not trained"):
        model.parse(json.dumps(raw), "mine.json")


def test_a_missing_or_unknown_level_is_refused() -> None:
    raw = bundled_json()
    raw["comparisons"]["email"]["smells alike"] = {"m": 0.1, "u": 0.1}
    with pytest.raises(InputError, match="no level 'smells alike'"):
        model.parse(json.dumps(raw), "mine.json")
    raw = bundled_json()
    del raw["comparisons"]["phone"]
    with pytest.raises(InputError, match=r"phone, level '.*' is not trained"):
        model.parse(json.dumps(raw), "mine.json")


def test_weights_that_rise_as_agreement_falls_are_refused() -> None:
    raw = bundled_json()
    raw["comparisons"]["account_number"]["different"] = {"m": 0.9, "u": 1e-9}
    with pytest.raises(InputError, match="do not fall with agreement"):
        model.parse(json.dumps(raw), "mine.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model_version":"x"}', "not json"])
def test_what_is_no_model_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(str(path))):
        model.load(path)


def test_a_model_reads_back_as_it_was_written() -> None:
    assert model.parse(model.dump(model.bundled()), "again") == model.bundled()


PROBABILITY = st.floats(1e-9, 1.0, exclude_min=True)


@given(st.lists(st.tuples(PROBABILITY, PROBABILITY), min_size=1, max_size=8))
def test_pooled_levels_fall_and_stay_probabilities(levels: list[tuple[float, float]]) -> None:
    found = falling(levels)
    weights = [math.log2(m / u) for m, u in found]
    assert all(a - b >= LEAST_STEP for a, b in pairwise(weights))
    assert all(0 < m <= 1 and 0 < u <= 1 for m, u in found)


def test_levels_in_order_are_left_alone() -> None:
    levels = [(0.8, 0.01), (0.2, 0.99)]
    for (m, u), (kept_m, kept_u) in zip(levels, falling(levels), strict=True):
        assert (kept_m, kept_u) == pytest.approx((m, u), rel=1e-4)


def test_prior_and_evidence_add_up_to_the_weight_of_every_link(
    connection: duckdb.DuckDBPyConnection, people_1k: Path
) -> None:
    used = model.bundled()
    records.load(connection, people_1k)
    batch.prepare(connection)
    edges = batch.score(connection, used, least_weight=-20.0, link_weight=5.0)
    rows = connection.execute("select uid_l, uid_r, weight, levels from edges").fetchall()
    assert len(rows) == edges > 1_000
    for left, right, weight, levels in rows:
        found = explain.evidence(levels, used)
        total = used.prior_weight + sum(one.match_weight for one in found)
        assert left < right
        assert total == pytest.approx(weight, abs=1e-6)


def test_levels_of_another_model_are_refused() -> None:
    with pytest.raises(InputError, match="not of model"):
        explain.evidence("shoe_size=1", model.bundled())
