"""Record files: read as the contract says, refused with file and line."""

from pathlib import Path

import duckdb
import pytest

from domain.errors import InputError
from identity import records

Connection = duckdb.DuckDBPyConnection


def rows(connection: Connection, columns: str) -> list[tuple[object, ...]]:
    ordered = connection.table("raw_people").order("uid")
    return ordered.select(columns).fetchall()


def test_jsonl_csv_and_parquet_are_read_alike(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id":"1","email":"x@y.org","postcode":12345}\n')
    (tmp_path / "b.csv").write_text('id,email,full_name\n1,x@y.org,"Doe, Jane"\n')
    connection.execute(
        f"copy (select '1' as id, 'x@y.org' as email, date '1980-01-02' as birth_date) "
        f"to '{tmp_path}/c.parquet'"
    ).fetchall()
    loaded = records.load(connection, tmp_path)
    assert loaded.systems == ("a", "b", "c")
    assert rows(connection, "system, id, emails, full_name, postcode, birth_date") == [
        ("a", "1", ["x@y.org"], None, "12345", None),
        ("b", "1", ["x@y.org"], "Doe, Jane", None, None),
        ("c", "1", ["x@y.org"], None, None, "1980-01-02"),
    ]


def test_lists_and_single_values_come_together(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "crm.jsonl").write_text(
        '{"id":"1","email":"a@b.c","emails":["d@e.f",""],"phones":"1","handles":null}\n'
    )
    records.load(connection, tmp_path)
    assert rows(connection, "emails, phones, handles") == [(["a@b.c", "d@e.f"], ["1"], [])]


def test_unknown_columns_are_reported_and_ignored(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "crm.jsonl").write_text('{"id":"1","shoe":"43"}\n{"id":"2","hat":1,"shoe":1}\n')
    assert records.load(connection, tmp_path).ignored == {"crm": ("hat", "shoe")}


def test_truth_beside_the_records_is_no_record_file(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text("id,email\n1,a@b.c\n")
    (tmp_path / "truth.csv").write_text("system,record_id,person_id\ncrm,1,p\n")
    assert records.load(connection, tmp_path).systems == ("crm",)


def test_numbering_does_not_depend_on_the_order_in_a_file(
    connection: Connection, tmp_path: Path
) -> None:
    (tmp_path / "crm.csv").write_text("id\nb\na\nc\n")
    records.load(connection, tmp_path)
    assert rows(connection, "uid, id") == [(0, "a"), (1, "b"), (2, "c")]


@pytest.mark.parametrize(
    ("name", "text", "place_and_problem"),
    [
        ("crm.jsonl", '{"id":"1"}\n{"id":\n', ("crm.jsonl:2", "not a JSON object")),
        ("crm.jsonl", '{"id":"1"}\n\n[1]\n', ("crm.jsonl:3", "not a JSON object")),
        ("crm.jsonl", '{"id":"1","city":{"a":1}}\n', ("crm.jsonl:1", "city must be text")),
        (
            "crm.jsonl",
            '{"id":"1","emails":[{"a":1}]}\n',
            ("crm.jsonl:1", "emails must be text or a list"),
        ),
        ("crm.jsonl", '{"id":"1"}\n{"email":"a@b.c"}\n', ("crm.jsonl:2", "id is missing")),
        ("crm.jsonl", '{"id":"1"}\n{"id":"1"}\n', ("crm.jsonl:2", "id 1 comes twice")),
        ("crm.csv", "id,email\n1,a@b.c\n2\n", ("crm.csv:3", "broken line")),
        ("crm.csv", "id,email\n1,a@b.c,x\n", ("crm.csv:2", "broken line")),
        ("crm.csv", "id,email\n,a@b.c\n", ("crm.csv:2", "id is missing")),
        ("crm.csv", "email\na@b.c\n", ("crm.csv", "no column id")),
        ("crm.parquet", "not parquet", ("crm.parquet", "cannot be read as parquet")),
    ],
)
def test_a_broken_file_is_refused_with_its_place(
    connection: Connection, tmp_path: Path, name: str, text: str, place_and_problem: tuple[str, str]
) -> None:
    place, problem = place_and_problem
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as refused:
        records.load(connection, tmp_path)
    assert place in str(refused.value)
    assert problem in str(refused.value)


def test_two_files_of_one_system_are_refused(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text("id\n1\n")
    (tmp_path / "crm.jsonl").write_text('{"id":"1"}\n')
    with pytest.raises(InputError, match="already read"):
        records.load(connection, tmp_path)


def test_a_directory_without_records_is_refused(connection: Connection, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no record files"):
        records.load(connection, tmp_path)
    with pytest.raises(InputError, match="no such directory"):
        records.load(connection, tmp_path / "missing")


def test_an_empty_file_holds_nobody(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "crm.jsonl").write_text("")
    assert records.load(connection, tmp_path).records == 0
