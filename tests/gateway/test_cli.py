"""`knownas`: exit codes, one clear line on standard error, and never a traceback."""

import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway import commands
from gateway.commands import COMMANDS

SECRET = "planted-7f3a-do-not-show"


class Ended:
    """How a command ended, and what it wrote."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def line(self) -> str:
        """The one line on standard error."""
        (line,) = self.err.splitlines()
        assert line.startswith("knownas: ")
        return line.removeprefix("knownas: ")


Command = Callable[..., Ended]


@pytest.fixture
def knownas(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """Runs the command in process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["knownas", *arguments])
        with _own_logging(), pytest.raises(SystemExit) as ended:
            commands.run()
        captured = capsys.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0, captured.out, captured.err)

    return run


@contextmanager
def _own_logging() -> Iterator[None]:
    """As in a process of its own: nobody has set up anything."""
    root = logging.getLogger()
    handlers, root.handlers[:] = root.handlers[:], []
    try:
        yield
    finally:
        root.handlers[:] = handlers


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        file = tmp_path / "knownas.toml"
        file.write_text(text)
        return str(file)

    return write


def test_every_command_is_listed_by_the_help(knownas: Command) -> None:
    ended = knownas("--help")
    assert ended.code == 0
    assert re.findall(r"^  ([a-z]+) ", ended.out, re.M)[-len(COMMANDS) :] == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(knownas: Command, name: str) -> None:
    ended = knownas(name, "--help")
    assert ended.code == 0
    assert COMMANDS[name].rstrip(".") in " ".join(ended.out.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing",),
        ("version", "--nothing"),
        ("serve", "--port", "x"),
        ("token", "new"),
        ("identity", "run"),
        ("schema", "diff", "one"),
        ("demo", "--people", "0"),
    ],
)
def test_wrong_use_ends_with_2(knownas: Command, arguments: tuple[str, ...]) -> None:
    ended = knownas(*arguments)
    assert ended.code == 2
    assert "Traceback" not in ended.err


def test_the_version_is_the_installed_one(knownas: Command) -> None:
    assert re.fullmatch(r"knownas \d+\.\d+\.\d+\n", knownas("version").out)


NEEDS_CONFIG = [
    ("serve",),
    ("check",),
    ("sync",),
    ("db", "upgrade"),
    ("identity", "resolve"),
    ("identity", "history", "cus_1"),
    ("identity", "explain", "cus_1"),
]


@pytest.mark.parametrize("arguments", NEEDS_CONFIG, ids=" ".join)
def test_a_missing_configuration_is_named(knownas: Command, arguments: tuple[str, ...]) -> None:
    ended = knownas(*arguments, "-c", "nothing.toml")
    assert ended.code == 1
    assert ended.line == "nothing.toml: cannot be read: No such file or directory"


@pytest.mark.parametrize("arguments", NEEDS_CONFIG, ids=" ".join)
def test_a_wrong_configuration_is_refused_before_anything_is_written(
    knownas: Command, arguments: tuple[str, ...], config: Callable[[str], str], tmp_path: Path
) -> None:
    file = config(f'[sources.crm]\nconnector = "hubspot"\ntoken = "{SECRET}"\n')
    ended = knownas(*arguments, "-c", file)
    assert ended.code == 1
    assert ended.line.startswith(f"{file}: sources.crm.token: a literal secret is refused")
    assert SECRET not in ended.err + ended.out
    assert [path.name for path in tmp_path.iterdir()] == ["knownas.toml"]


def test_a_host_for_strangers_is_refused_without_tokens(
    knownas: Command, config: Callable[[str], str]
) -> None:
    ended = knownas("serve", "-c", config(""), "--host", "0.0.0.0")  # noqa: S104  # refused
    assert ended.code == 1
    assert "server.host: an address other than a loopback one needs" in ended.line


def test_an_exception_nobody_expected_is_one_line_and_a_log_line(
    knownas: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("gateway.commands.version.release", fail)
    ended = knownas("version")
    assert ended.code == 1
    logged, told = ended.err.splitlines()
    known = re.search(r"id=(\w+)", logged)
    assert known is not None
    assert told == f"knownas: internal error {known[1]}; please report it with the line above"
    assert SECRET not in ended.err


def test_a_command_that_is_interrupted_says_so(
    knownas: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("gateway.commands.version.release", stop)
    ended = knownas("version")
    assert ended.code != 0
    assert "Traceback" not in ended.err


# ---------------------------------------------------------------- token


def test_a_token_is_printed_once_with_its_lines(knownas: Command) -> None:
    ended = knownas("token", "new", "--scopes", "customer:any, pii:contact", "--name", "desk")
    assert ended.code == 0
    token, _, *lines = ended.out.splitlines()
    assert re.fullmatch(r"kn_[\w-]{43}", token)
    assert lines[0] == "[[auth.tokens]]"
    assert 'scopes = ["customer:any", "pii:contact"]' in lines
    assert token not in "".join(lines) + ended.err


def test_a_scope_nobody_knows_is_refused_with_the_nearest(knownas: Command) -> None:
    ended = knownas("token", "new", "--scopes", "pii:contct")
    assert ended.code == 1
    assert ended.line == "--scopes: pii:contct: unknown; did you mean pii:contact?"


# ---------------------------------------------------------------- schema


def test_the_schema_is_printed(knownas: Command) -> None:
    assert "type Customer implements Node" in knownas("schema", "print").out


@pytest.mark.parametrize(
    ("old", "new", "code", "kind"),
    [
        ("type Query { a: Int }", "type Query { a: Int b: Int }", 0, "safe"),
        ("type Query { a: Int b: Int }", "type Query { a: Int }", 1, "breaking"),
        ("type Query { a(b: Int = 1): Int }", "type Query { a(b: Int = 2): Int }", 0, "dangerous"),
        ("type Query { a: Int @key(fields: 1) }", "type Query { a: Int }", 0, ""),
    ],
)
def test_changes_of_a_schema_are_told_by_what_they_break(  # noqa: PLR0917  # parameters and fixtures
    knownas: Command, tmp_path: Path, old: str, new: str, code: int, kind: str
) -> None:
    (tmp_path / "old").write_text(old)
    (tmp_path / "new").write_text(new)
    ended = knownas("schema", "diff", "old", "new")
    assert ended.code == code
    assert ended.out.split("\t")[0].strip() == kind


def test_the_schema_of_this_release_is_the_reviewed_one(knownas: Command, tmp_path: Path) -> None:
    snapshot = Path(commands.__file__).parents[2] / "schema" / "schema.graphql"
    (tmp_path / "now").write_text(knownas("schema", "print").out)
    ended = knownas("schema", "diff", str(snapshot), "now")
    assert (ended.code, ended.out) == (0, "")


def test_what_is_no_schema_is_refused(knownas: Command, tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("type Query {")
    (tmp_path / "good").write_text("type Query { a: Int }")
    for file, said in (("bad", "bad: is not a GraphQL schema"), ("gone", "gone: cannot be read")):
        ended = knownas("schema", "diff", "good", file)
        assert ended.code == 1
        assert ended.line.startswith(said)


# ---------------------------------------------------------------- connectors


def test_connectors_are_listed_and_shown(knownas: Command) -> None:
    listed = [line.split("\t")[0] for line in knownas("connectors", "list").out.splitlines()]
    assert {"hubspot", "shopify", "zendesk", "intercom"} <= set(listed)
    for name in listed:
        shown = knownas("connectors", "show", name)
        assert shown.code == 0
        assert shown.out.startswith(f"connector: {name}\n")


def test_a_connector_nobody_has_is_refused(knownas: Command) -> None:
    ended = knownas("connectors", "show", "nothing")
    assert ended.code == 1
    assert "no connector 'nothing'; there are" in ended.line


# ---------------------------------------------------------------- state and identity


def test_the_state_store_is_brought_up_to_date_as_often_as_one_likes(
    knownas: Command, config: Callable[[str], str]
) -> None:
    file = config('[state]\nurl = "sqlite:///kept.db"\n')
    for _ in range(2):
        assert knownas("db", "upgrade", "-c", file).out == "the state store is up to date\n"


def test_a_source_nobody_configured_is_refused(
    knownas: Command, config: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T", "t")
    file = config('[sources.crm]\nconnector = "hubspot"\ntoken = { env = "T" }\n')
    ended = knownas("sync", "-c", file, "--source", "cmr")
    assert ended.code == 1
    assert ended.line == "--source cmr: unknown; did you mean crm?"


def test_a_customer_nobody_knows_has_no_history(
    knownas: Command, config: Callable[[str], str]
) -> None:
    ended = knownas("identity", "history", "cus_nobody", "-c", config(""))
    assert ended.code == 1
    assert "no customer has, or ever had, this id" in ended.line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--records", "nothing", "--out", "out.jsonl"), "nothing"),
        (("--records", ".", "--out", "out.jsonl", "--engine", "abacus"), "--engine"),
        (("--records", ".", "--out", "out.jsonl", "--model", "none.json"), "none.json"),
    ],
)
def test_files_that_cannot_be_resolved_leave_nothing_behind(
    knownas: Command, arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    ended = knownas("identity", "run", *arguments)
    assert ended.code == 1
    assert said in ended.line
    assert not (tmp_path / "out.jsonl").exists()


def test_files_are_resolved_without_a_configuration(knownas: Command, tmp_path: Path) -> None:
    records = tmp_path / "records"
    records.mkdir()
    row = '{"id": "%s", "full_name": "Jane Doe", "email": "%s", "phone": "+44 7700 900123"}\n'
    (records / "crm.jsonl").write_text(row % ("1", "jane.doe@example.com"))
    (records / "shop.jsonl").write_text(row % ("2", "jane.doe@example.com"))
    ended = knownas("identity", "run", "--records", "records", "--out", "out.jsonl")
    assert ended.code == 0
    assert "customers\t1\n" in ended.out
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2
