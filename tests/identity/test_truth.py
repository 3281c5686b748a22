"""Clusters against truth, and files that are refused with their place."""

from pathlib import Path

import duckdb
import pytest

from domain.errors import InputError
from identity import truth

TRUTH = """system,record_id,person_id,tags
crm,1,A,twins;moved
crm,2,A,
shop,1,B,twins
shop,2,C,
shop,3,C,moved
"""


@pytest.fixture
def known(tmp_path: Path) -> truth.Truth:
    path = tmp_path / "truth.csv"
    path.write_text(TRUTH)
    return truth.read(path)


def test_figures_of_a_clusters_file(known: truth.Truth, tmp_path: Path) -> None:
    """Clusters {crm 1, crm 2, shop 1} {shop 2}, shop 3 missing, one record nobody knows.

    Pairs: linked 3, true 2 (A, C), right 1. A and B of three persons share; of the twins both do,
    of those who moved (A, C) one.
    """
    path = tmp_path / "clusters.jsonl"
    rows = [("crm", "1", "x"), ("crm", "2", "x"), ("shop", "1", "x"), ("shop", "2", "y"),
            ("shop", "9", "y")]  # fmt: skip
    path.write_text(
        "".join(f'{{"system":"{s}","id":"{i}","customer_id":"{c}"}}\n' for s, i, c in rows)
    )
    figures = truth.evaluation(known, truth.clusters(path))
    assert figures["precision"] == pytest.approx(1 / 3)
    assert figures["recall"] == 0.5
    assert figures["sharing_persons"] == pytest.approx(2 / 3)
    assert figures["sharing_by_tag"] == {
        "moved": {"persons": 2, "sharing_persons": 0.5},
        "twins": {"persons": 2, "sharing_persons": 1.0},
    }
    assert (figures["records"], figures["persons"], figures["clusters"]) == (5, 3, 3)
    assert (figures["missing"], figures["not_in_truth"]) == (1, 1)


def test_parquet_and_csv_say_the_same(known: truth.Truth, tmp_path: Path) -> None:
    csv, parquet = tmp_path / "truth.csv", tmp_path / "truth.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (from read_csv('{csv}', all_varchar = true)) to '{parquet}'"
        ).fetchall()
    assert truth.read(parquet) == known


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("system,record_id\ncrm,1\n", r"truth\.csv: needs columns .*; person_id is missing"),
        ("", r"truth\.csv: needs columns"),
        ("system,record_id,person_id\ncrm,1,A\ncrm,1,B\n", r"truth\.csv:3: crm/1 comes twice"),
        ("system,record_id,person_id\ncrm,,A\n", r"truth\.csv:2: .* must be said"),
        ("system,record_id,person_id\ncrm,1\n", r"truth\.csv:2: .* must be said"),
        ('system,record_id,person_id\n"crm,1,A\n', r"truth\.csv: cannot be read as csv"),
    ],
)
def test_truth_that_cannot_be_used_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=problem):
        truth.read(path)


@pytest.mark.parametrize("name", ["truth.txt", "nothing.csv"])
def test_truth_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "truth.txt").write_text(TRUTH)
    with pytest.raises(InputError, match="must be a csv or parquet file"):
        truth.read(tmp_path / name)


def test_broken_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "truth.parquet").write_text(TRUTH)
    with pytest.raises(InputError, match="cannot be read as parquet"):
        truth.read(tmp_path / "truth.parquet")


LINE = '{"system":"crm","id":"1","customer_id":"x"}\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (LINE + "{oops\n", r"clusters\.jsonl:2: not a JSON object"),
        (LINE + "\n[1]\n", r"clusters\.jsonl:3: not a JSON object"),
        (LINE + '{"system":"crm","id":2,"customer_id":"x"}', r"clusters\.jsonl:2: needs the texts"),
        (LINE + '{"system":"crm","id":"2"}', r"clusters\.jsonl:2: needs the texts"),
        (LINE + LINE, r"clusters\.jsonl:2: crm/1 comes twice"),
    ],
)
def test_a_broken_clusters_file_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "clusters.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match=problem):
        truth.clusters(path)


def test_a_missing_clusters_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        truth.clusters(tmp_path / "nowhere.jsonl")
