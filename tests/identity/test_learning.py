"""A model of one's own: what is counted, what is kept, and what is refused."""

import re
from pathlib import Path

import duckdb
import pytest

from domain.errors import InputError
from identity import learning, model, records
from identity.training import FAITH_MATCHES

PEOPLE = """id,full_name,account_number,birth_date
1,Ada Byron,AX-1001,1980-01-01
2,Ada Byron,AX-1001,1980-01-01
3,Olu Sowande,AX-2002,1970-02-02
4,Olu Sowande,AX-2002,1991-12-12
5,Nobody Known,AX-3003,1960-06-06
"""
PERSONS = {("crm", "1"): "a", ("crm", "2"): "a", ("crm", "3"): "b", ("crm", "4"): "b"}


@pytest.fixture
def loaded(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> duckdb.DuckDBPyConnection:
    directory = tmp_path / "records"
    directory.mkdir()
    (directory / "crm.csv").write_text(PEOPLE)
    records.load(connection, directory)
    return connection


def test_what_is_known_is_counted_and_the_rest_kept(loaded: duckdb.DuckDBPyConnection) -> None:
    """Of two pairs of one person one has the same birth date and one another: each counts once
    beside the hundred pairs that the model one starts from stands for.
    """
    start = model.bundled()
    found = learning.learn(loaded, "mine", start, PERSONS)
    before, after = start.weights["birth_date"], found.weights["birth_date"]
    for level, seen in (("same", 1), ("different", 1), ("two of year, month and day", 0)):
        expected = (FAITH_MATCHES * before[level][0] + seen) / (FAITH_MATCHES + 2)
        assert after[level][0] == pytest.approx(expected, rel=1e-6)
    handle = found.weights["handle"]["same"][0]
    assert handle == pytest.approx(start.weights["handle"]["same"][0], rel=1e-6)
    assert found.records == 4


def test_the_version_is_the_name_and_what_the_weights_are(
    loaded: duckdb.DuckDBPyConnection,
) -> None:
    known = learning.learn(loaded, "mine", model.bundled(), PERSONS)
    fitted = learning.learn(loaded, "mine", model.bundled())
    for found in (known, fitted):
        assert re.fullmatch(r"mine-[0-9a-f]{8}", found.version)
        assert found.version.endswith(learning.fingerprint(found))
    assert known.version != fitted.version


def test_a_level_nobody_has_seen_is_refused(loaded: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(InputError, match=r"training: given_name, level '.*' is not trained"):
        learning.learn(loaded, "mine", None, PERSONS)


def test_without_truth_there_must_be_a_model_to_start_from(
    loaded: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(InputError, match="needs a model to start from"):
        learning.learn(loaded, "mine", None)


@pytest.mark.parametrize(
    ("persons", "problem"),
    [
        ({("shop", "1"): "a"}, "the truth names none of these records"),
        ({("crm", "1"): "a", ("crm", "3"): "b"}, "two records of one person"),
        ({("crm", "1"): "a", ("crm", "2"): "a"}, "two persons"),
    ],
)
def test_truth_that_teaches_nothing_is_refused(
    loaded: duckdb.DuckDBPyConnection, persons: dict[tuple[str, str], str], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        learning.learn(loaded, "mine", model.bundled(), persons)


def test_a_model_is_written_whole_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    learning.write(model.bundled(), path)
    assert model.load(path) == model.bundled()
    with pytest.raises(InputError, match="cannot be written"):
        learning.write(model.bundled(), tmp_path / "nowhere" / "model.json")
    assert [one.name for one in tmp_path.iterdir()] == ["model.json"]
