"""What docs/identity.md says of decisions is what there is."""

from pathlib import Path

import pytest

from resolvers.refused import Code
from resolvers.rulings import MAX_PAIRS

TEXT = (Path(__file__).parents[2] / "docs" / "identity.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", list(Code))
def test_every_code_of_a_refused_decision_is_explained(code):
    assert f"`{code.value}`" in TEXT


def test_the_largest_decision_is_named():
    assert f"{MAX_PAIRS:,} pairs" in TEXT
