"""`knownas identity train | evaluate`, on files."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway import commands

RECORDS = "id,full_name,email\n1,Ada Byron,ada@example.org\n2,A. Byron,ada@example.org\n"
TRUTH = "system,record_id,person_id\ncrm,1,a\ncrm,2,a\nshop,1,b\n"

Called = Callable[..., tuple[int, str, str]]


@pytest.fixture
def knownas(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Called:
    """Runs the command in a folder with records of two systems and their truth."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "crm.csv").write_text(RECORDS)
    (tmp_path / "records" / "shop.csv").write_text("id,full_name\n1,Wei Zhang\n")
    (tmp_path / "truth.csv").write_text(TRUTH)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["knownas", "identity", *arguments])
        with pytest.raises(SystemExit) as ended:
            commands.run()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def test_a_model_is_trained_used_and_measured(knownas: Called, tmp_path: Path) -> None:
    code, out, _ = knownas(
        "train", "--records", "records", "--truth", "truth.csv", "--out", "own.json", "--name", "us"
    )
    assert code == 0
    version = json.loads((tmp_path / "own.json").read_text())["model_version"]
    assert version.startswith("us-")
    assert f"model\t{version}" in out
    code, out, _ = knownas(
        "run", "--records", "records", "--out", "clusters.jsonl", "--model", "own.json"
    )
    assert code == 0
    assert version in out
    code, out, _ = knownas("evaluate", "--clusters", "clusters.jsonl", "--truth", "truth.csv")
    assert code == 0
    figures = json.loads(out)
    assert (figures["precision"], figures["recall"], figures["records"]) == (1.0, 1.0, 3)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("train", "--start", "nothing"), "without truth it needs a model to start from"),
        (("train", "--start", "nothing", "--truth", "truth.csv"), "is not trained"),
        (("train", "--start", "missing.json"), "missing.json: cannot be read as a model"),
        (("train", "--truth", "missing.csv"), "must be a csv or parquet file"),
    ],
)
def test_training_that_cannot_be_is_refused(
    knownas: Called, tmp_path: Path, arguments: tuple[str, ...], problem: str
) -> None:
    code, _, err = knownas(*arguments, "--records", "records", "--out", "own.json")
    assert code == 1
    assert problem in err
    assert not (tmp_path / "own.json").exists()


def test_a_broken_clusters_file_is_refused_with_its_place(knownas: Called, tmp_path: Path) -> None:
    (tmp_path / "clusters.jsonl").write_text("{oops\n")
    code, _, err = knownas("evaluate", "--clusters", "clusters.jsonl", "--truth", "truth.csv")
    assert code == 1
    assert "clusters.jsonl:1: not a JSON object" in err
