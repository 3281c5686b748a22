"""The page of a resolution."""

import re
from pathlib import Path

import pytest

from domain.errors import InputError
from identity import explain, report
from identity.model import bundled


def findings(**more: object) -> report.Findings:
    return report.Findings(
        figures={"records": "4", "<b>": "&"},
        model=bundled(),
        weights=[-3.5, 4.0, 12.25],
        sizes=[2, 1, 1],
        **more,  # type: ignore[arg-type]
    )


def test_precision_and_recall_are_those_of_the_pairs_at_or_above_a_weight() -> None:
    # By hand: 3 pairs of one person exist; of the 4 scored, strongest first: right, right, wrong,
    # right. So 1/1 and 1/3, 2/2 and 2/3, 2/3 and 2/3, 3/4 and 3/3.
    judged = [(9.0, True), (1.0, True), (7.0, True), (5.0, False)]
    assert report.precision_recall(judged, 3) == [
        (9.0, 1.0, pytest.approx(1 / 3)),
        (7.0, 1.0, pytest.approx(2 / 3)),
        (5.0, pytest.approx(2 / 3), pytest.approx(2 / 3)),
        (1.0, 0.75, 1.0),
    ]


def test_the_page_holds_its_charts_and_loads_nothing(tmp_path: Path) -> None:
    page = report.write(tmp_path / "report", findings()).read_text("utf-8")
    for text in ("Cluster sizes", "Match weights of pairs", "given_name: same", "12 to 13"):
        assert text in page
    assert "&lt;b&gt;" in page
    assert "src=" not in page
    assert "http" not in page
    assert "Precision" not in page


def test_with_truth_the_page_shows_precision_and_recall() -> None:
    assert "Precision and recall" in report.page(findings(judged=[(9.0, True)], true_pairs=1))


def test_the_curve_is_drawn_from_nothing_to_all() -> None:
    drawn = report.page(findings(judged=[(9.0, True), (1.0, False)], true_pairs=2))
    (precision,) = re.findall(r'class="precision" points="([^"]+)"', drawn)
    (recall,) = re.findall(r'class="recall" points="([^"]+)"', drawn)
    assert precision.split() == ["632.0,8.0", "36.0,112.0"]
    assert recall.split() == ["632.0,112.0", "36.0,112.0"]


def test_a_waterfall_ends_at_the_weight_of_the_pair_and_names_no_value() -> None:
    model = bundled()
    levels = "given_name=1~-3.1;account_number=2;email=0"
    found = explain.evidence(levels, model)
    weight = model.prior_weight + sum(one.match_weight for one in found)
    (example,) = report.examples([(weight, levels)], 9.0)
    drawn = report.page(findings(examples=[example])).split("How a weight comes about")[1]
    steps = [float(text) for text in re.findall(r'class="n">([+-][0-9.]+)<', drawn)]
    assert len(steps) == 2 + len(found)
    assert steps[-1] == pytest.approx(weight, abs=0.01)
    assert sum(steps[:-1]) == pytest.approx(weight, abs=0.01 * len(steps))


def test_the_examples_are_the_ends_and_those_next_to_the_linking_weight() -> None:
    pairs = [(weight, f"email={place}") for place, weight in enumerate((30.0, 9.5, 8.5, -2.0))]
    assert [one.weight for one in report.examples(pairs, 9.0)] == [30.0, 9.5, 8.5, -2.0]
    assert [one.weight for one in report.examples(pairs[:1], 9.0)] == [30.0]
    assert report.examples([], 9.0) == []


def test_a_folder_that_cannot_be_written_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    taken = tmp_path / "report"
    taken.write_text("a file")
    with pytest.raises(InputError, match="report"):
        report.write(taken, findings())
    assert taken.read_text() == "a file"
