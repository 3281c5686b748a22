"""What the documents say of decisions, events and commitments that are refused is what there is."""

from pathlib import Path

import pytest

from resolvers.refused import Code
from resolvers.rulings import MAX_PAIRS

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "identity.md").read_text(encoding="utf-8")
OTHERS = [(DOCS / name).read_text(encoding="utf-8") for name in ("events.md", "context.md")]


@pytest.mark.parametrize("code", list(Code))
def test_every_code_of_what_is_refused_is_explained(code):
    assert any(f"`{code.value}`" in text for text in (TEXT, *OTHERS))


def test_the_largest_decision_is_named():
    assert f"{MAX_PAIRS:,} pairs" in TEXT
