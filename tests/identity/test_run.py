"""`identity run` on files: each record once, nothing half written, figures as promised."""

import json
from pathlib import Path

import pytest

from domain.errors import InputError
from identity import model
from identity.run import RunOptions, RunReport, run

FAMILY = """id,full_name,email,phone,street,city,birth_date
1,Robert Harding,bob.harding81@gmail.com,01903 700800,12 Elm Road,Worthing,1951-04-02
2,Bob Harding,bob.harding81@gmail.com,,,,
3,Susan Harding,thehardings@gmail.com,01903 700800,12 Elm Rd,Worthing,1953-09-30
4,Sue Harding,,01903 700800,12 Elm Road,Worthing,1953-09-30
5,Liam Harding,thehardings@gmail.com,01903 700800,12 Elm Road,Worthing,1984-01-11
"""


@pytest.fixture
def family(tmp_path: Path) -> Path:
    directory = tmp_path / "family"
    directory.mkdir()
    (directory / "crm.csv").write_text(FAMILY)
    return directory


def customers(out: Path) -> dict[str, str]:
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert all(0 <= row["confidence"] <= 1 for row in rows)
    assert len({(row["system"], row["id"]) for row in rows}) == len(rows)
    return {row["id"]: row["customer_id"] for row in rows}


def test_a_family_on_one_line_and_one_mailbox_stays_three_people(
    family: Path, tmp_path: Path
) -> None:
    run(RunOptions(records=family, out=tmp_path / "out.jsonl", default_regions={"crm": "GB"}))
    found = customers(tmp_path / "out.jsonl")
    assert found["1"] == found["2"]
    assert found["3"] == found["4"]
    assert len({found["1"], found["3"], found["5"]}) == 3


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, people_1k: Path) -> tuple[RunReport, Path]:
    out = tmp_path_factory.mktemp("run") / "clusters.jsonl"
    return run(RunOptions(records=people_1k, out=out, truth=people_1k / "truth.parquet")), out


def test_every_record_is_written_once(measured: tuple[RunReport, Path]) -> None:
    report, out = measured
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == report.records == 2928
    assert len({(row["system"], row["id"]) for row in rows}) == 2928
    assert {tuple(sorted(row)) for row in rows} == {("confidence", "customer_id", "id", "system")}
    assert len({row["customer_id"] for row in rows}) == report.clusters


def test_a_thousand_people_are_told_apart(measured: tuple[RunReport, Path]) -> None:
    quality = measured[0].quality
    assert quality is not None
    assert quality.f1 > 0.78
    assert quality.precision > 0.95
    assert quality.sharing_persons < 0.05


def test_the_figures_of_a_run_are_reported(measured: tuple[RunReport, Path]) -> None:
    report, _ = measured
    assert report.systems == ("chat", "crm", "oms", "ticketing")
    assert report.wall_s > 0
    assert report.peak_mb > 50
    assert list(report.steps) == [
        "read",
        "normalise",
        "train",
        "score",
        "cluster",
        "evaluate",
        "write",
    ]


def test_two_runs_make_the_same_clusters(family: Path, tmp_path: Path) -> None:
    partitions = []
    for name in ("one", "two"):
        run(RunOptions(records=family, out=tmp_path / name))
        by_customer: dict[str, set[str]] = {}
        for record, customer in customers(tmp_path / name).items():
            by_customer.setdefault(customer, set()).add(record)
        partitions.append(sorted(map(sorted, by_customer.values())))
    assert partitions[0] == partitions[1]


def test_a_model_handed_in_is_used_as_it_is(family: Path, tmp_path: Path) -> None:
    own = tmp_path / "model.json"
    own.write_text(model.dump(model.bundled()).replace(model.bundled().version, "mine-1"))
    report = run(RunOptions(records=family, out=tmp_path / "out", model=own))
    assert report.model_version == "mine-1"


def test_a_broken_line_leaves_the_last_output_as_it_was(family: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("before")
    (family / "shop.jsonl").write_text('{"id":"1"}\n{"id"\n')
    with pytest.raises(InputError, match=r"shop\.jsonl:2"):
        run(RunOptions(records=family, out=out))
    assert out.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.jsonl"]


def test_truth_without_its_columns_is_refused(family: Path, tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("a,b\n1,2\n")
    options = RunOptions(records=family, out=tmp_path / "out", truth=tmp_path / "truth.csv")
    with pytest.raises(InputError, match="needs columns"):
        run(options)
    assert not (tmp_path / "out").exists()


def test_an_engine_nobody_has_is_refused(family: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="allowed: duckdb, spark"):
        run(RunOptions(records=family, out=tmp_path / "out", engine="abacus"))
