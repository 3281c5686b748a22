"""What a configuration may say, and how plainly a wrong one is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigError
from gateway.config_file import checked, load

SECRET = "planted-7f3a-do-not-show"


@pytest.fixture
def refused() -> Callable[..., str]:
    """The wording of the refusal."""

    def of(tables: object, **environ: str) -> str:
        with pytest.raises(ConfigError) as caught:
            checked(tables, environ)
        assert "\n" not in str(caught.value)
        return str(caught.value).removeprefix("configuration: ")

    return of


def test_nothing_has_to_be_said() -> None:
    config = checked({}, {})
    assert (config.server.host, config.server.port) == ("127.0.0.1", 8000)
    assert config.state.url.reveal() == "sqlite:///knownas.db"
    assert (config.identity.auto_link_weight, config.identity.review_weight) == (9.0, 3.0)


CONTRACT = """
[server]
host = "127.0.0.1"
port = 8000
public_url = ""
allowed_origins = []
[capabilities]
knowledge = false
[[auth.tokens]]
name = "support-desk"
sha256 = "%s"
scopes = ["customer:any", "pii:contact", "pii:identity", "pii:content", "staff"]
[state]
url = "sqlite:///knownas.db"
[redis]
url = ""
[identity]
auto_link_weight = 9.0
review_weight = 3.0
model = "bundled"
[sources.crm]
connector = "hubspot"
base_url = "https://api.hubapi.com"
token = { env = "HUBSPOT_TOKEN" }
timeout_s = 3.0
phone_region = "GB"
time_zone = "UTC"
"""


def test_the_example_everybody_starts_from_is_read(tmp_path: Path) -> None:
    file = tmp_path / "knownas.toml"
    file.write_text(CONTRACT % ("a" * 64))
    config = load(file, {"HUBSPOT_TOKEN": SECRET})
    assert config.sources["crm"].connector == "hubspot"
    settings = config.sources["crm"].settings
    assert (settings.base_url, settings.phone_region) == ("https://api.hubapi.com", "GB")
    assert settings.secrets["token"].reveal() == SECRET
    assert config.auth is not None
    assert config.auth.tokens[0].name == "support-desk"


WRONG: list[tuple[Any, str]] = [
    ({"sever": {}}, "sever: unknown key; did you mean server?"),
    ({"server": {"prot": 1}}, "server.prot: unknown key; did you mean port?"),
    ({"limits": {"zzz": 1}}, "limits.zzz: unknown key; known are aliases, body_bytes"),
    ({"auth": {"tokens": [{"nam": "x"}]}}, "auth.tokens[0].nam: unknown key; did you mean name?"),
    ({"sources": {"crm": {}}}, "sources.crm.connector: must be set"),
    ({"server": 1}, "server: must be a table"),
    ({"sources": []}, "sources: must be a table"),
    ({"server": {"port": "80"}}, "server.port: must be a whole number"),
    ({"server": {"port": 80.5}}, "server.port: must be a whole number"),
    ({"server": {"port": True}}, "server.port: must be a whole number"),
    ({"server": {"port": 65536}}, "server.port: must be less than or equal to 65535"),
    ({"server": {"host": 1}}, "server.host: must be text in quotes"),
    ({"server": {"introspection": "yes"}}, "server.introspection: must be 'loopback', 'on' or"),
    ({"server": {"allowed_origins": "x"}}, "server.allowed_origins: must be a list"),
    ({"server": {"allowed_origins": ["*"]}}, "server.allowed_origins[0]: must be an origin"),
    ({"server": {"allowed_origins": ["https://a.b/"]}}, "server.allowed_origins[0]: must be an"),
    ({"server": {"allowed_origins": ["http://a.b:*"]}}, 'port "*" is for loopback hosts only'),
    ({"server": {"public_url": "ftp://x"}}, "server.public_url: must be empty or scheme"),
    ({"capabilities": {"knowledge": "no"}}, "capabilities.knowledge: must be true or false"),
    ({"limits": {"deadline_s": 0}}, "limits.deadline_s: must be greater than 0"),
    ({"identity": {"review_weight": 10.0}}, "identity: review_weight must not be above auto"),
    ({"auth": {}}, "auth: names no [[auth.tokens]]"),
    ({"auth": {"anonymous_scopes": ["pii:contct"]}}, "auth.anonymous_scopes[0]: no such scope"),
    ({"state": {"url": "mysql://x"}}, "state.url: must start with sqlite:// or postgresql://"),
    ({"redis": {"url": "http://x"}}, "redis.url: must start with redis:// or rediss://"),
    (
        {"sources": {"a b": {"connector": "hubspot", "token": {"env": "T"}}}},
        "sources: 'a b' cannot name a source",
    ),
    (
        {"sources": {"a": {"connector": "hubspot", "customer_key": "b", "token": {"env": "T"}}}},
        'sources.a.customer_key: must be "own", "email", "phone" or the name of a source',
    ),
    ({"sources": {"a": {"connector": "x", "time_zone": "Mars"}}}, "sources.a.time_zone: must be"),
    ({"sources": {"a": {"connector": "x", "phone_region": "gb"}}}, "sources.a.phone_region: must"),
    ({"sources": {"a": {"connector": "x", "base_url": "x"}}}, "sources.a.base_url: must be an"),
    ([], "must be a table"),
]


@pytest.mark.parametrize(("tables", "said"), WRONG, ids=[row[1][:40] for row in WRONG])
def test_what_is_wrong_is_said_with_its_place(
    refused: Callable[..., str], tables: Any, said: str
) -> None:
    assert said in refused(tables, T="t")


def test_several_wrong_things_are_said_at_once(refused: Callable[..., str]) -> None:
    said = refused({"server": {f"k{n}": 1 for n in range(8)}})
    assert said.count("unknown key") == 5
    assert said.endswith("; and 3 more")


@pytest.mark.parametrize("what", ["name", "sha256"])
def test_no_two_tokens_are_the_same(refused: Callable[..., str], what: str) -> None:
    tokens: list[dict[str, Any]] = [
        {"name": "a", "sha256": "1" * 64, "scopes": []},
        {"name": "b", "sha256": "2" * 64, "scopes": []},
    ]
    tokens[1][what] = tokens[0][what]
    assert f"two tokens have the same {what}" in refused({"auth": {"tokens": tokens}})


def test_a_token_in_place_of_its_hash_is_not_repeated(refused: Callable[..., str]) -> None:
    tokens = [{"name": "a", "sha256": SECRET, "scopes": []}]
    said = refused({"auth": {"tokens": tokens}})
    assert "never the token" in said
    assert SECRET not in said


# ---------------------------------------------------------------- sources


def _source(**keys: object) -> dict[str, Any]:
    token = {"token": {"env": "T"}}
    return {"sources": {"crm": {"connector": "zendesk", "email": "a@b.example", **token, **keys}}}


SOURCES: list[tuple[Any, str]] = [
    (_source(connector="zendsk"), "crm.connector: no such connector; did you mean zendesk? There"),
    (
        _source(connector="xyz"),
        "sources.crm.connector: no such connector; there are chatwoot, commercetools, graphql,",
    ),
    (_source(timeot_s=1), "sources.crm.timeot_s: unknown key; did you mean timeout_s?"),
    (_source(subdomian="x"), "sources.crm.subdomian: unknown key; did you mean subdomain?"),
    (_source(token=SECRET), "sources.crm.token: a literal secret is refused"),
    (_source(token={"env": "NONE"}), "sources.crm.token: the environment variable NONE is not set"),
    (_source(webhook_secret=SECRET), "sources.crm.webhook_secret: a literal secret is refused"),
    (_source(tokn=SECRET), "sources.crm.tokn: unknown key; did you mean token?"),
    (_source(subdomain=1), "sources.crm.subdomain: must be text in quotes"),
    (_source(email=""), "sources.crm.email: must be set: "),
    (_source(rates={"account": 0}), "sources.crm.rates.account: must be greater than 0"),
    ({"sources": {"crm": {"connector": "hubspot"}}}, "sources.crm.token: must be set, as { env"),
    (
        {"sources": {"crm": {"connector": "hubspot", "token": {"env": "T"}, "foreign_ids": "x"}}},
        "sources.crm.foreign_ids: must be a table of text",
    ),
]


@pytest.mark.parametrize(("tables", "said"), SOURCES, ids=[row[1][:60] for row in SOURCES])
def test_a_source_is_held_against_its_connector(
    refused: Callable[..., str], tables: Any, said: str
) -> None:
    told = refused(tables, T="t")
    assert said in told
    assert SECRET not in told


def test_a_sources_own_keys_reach_its_connector() -> None:
    config = checked(_source(subdomain="acme", rates={"account": 700}), {"T": SECRET})
    settings = config.sources["crm"].settings
    assert settings.options == {"subdomain": "acme", "email": "a@b.example"}
    assert settings.rates == {"account": 700}
    assert SECRET not in repr(config) + repr(settings)


# ---------------------------------------------------------------- the host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST"])
def test_a_loopback_host_needs_no_token(host: str) -> None:
    assert checked({"server": {"host": host}}, {}).server.host == host


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "10.0.0.1", "a.example", "127.0.0.1.a.example", "1"],  # noqa: S104  # refused
)
def test_any_other_host_is_refused_without_tokens(refused: Callable[..., str], host: str) -> None:
    assert "needs [[auth.tokens]]" in refused({"server": {"host": host}})
    anonymous = {"server": {"host": host}, "auth": {"anonymous_scopes": ["staff"]}}
    assert "needs [[auth.tokens]]" in refused(anonymous)


def test_any_other_host_has_no_anonymous_callers(refused: Callable[..., str]) -> None:
    auth: dict[str, Any] = {
        "tokens": [{"name": "a", "sha256": "1" * 64, "scopes": []}],
        "anonymous_scopes": ["staff"],
    }
    said = refused({"server": {"host": "0.0.0.0"}, "auth": auth})  # noqa: S104  # refused
    assert "auth.anonymous_scopes: only with a loopback server.host" in said


def test_what_the_command_line_says_is_judged_like_the_file(tmp_path: Path) -> None:
    file = tmp_path / "knownas.toml"
    file.write_text("[server]\nport = 1\n")
    assert load(file, {}, {"server.port": 9000}).server.port == 9000
    with pytest.raises(ConfigError, match=r"needs \[\[auth\.tokens\]\]"):
        load(file, {}, {"server.host": "0.0.0.0"})  # noqa: S104  # refused


# ---------------------------------------------------------------- secrets


def test_an_address_may_come_by_reference(tmp_path: Path) -> None:
    (tmp_path / "pg").write_text(f"postgresql://u:{SECRET}@h/d\n")
    file = tmp_path / "knownas.toml"
    file.write_text('[state]\nurl = { file = "pg" }\n[redis]\nurl = { env = "R" }\n')
    config = load(file, {"R": f" redis://:{SECRET}@h:1/0 "})
    assert config.state.url.reveal() == f"postgresql://u:{SECRET}@h/d"
    assert config.redis.url.reveal() == f"redis://:{SECRET}@h:1/0"
    for shown in (repr(config), str(config), repr(config.model_dump()), f"{config.state.url}"):
        assert SECRET not in shown


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://user:{SECRET}@host/db",
        f"postgresql://host/db?password={SECRET}",
        f"postgresql://:{SECRET}@host/db",
    ],
)
def test_a_literal_password_is_refused_and_not_repeated(
    refused: Callable[..., str], address: str
) -> None:
    said = refused({"state": {"url": address}})
    assert "a literal secret is refused" in said
    assert SECRET not in said


WAYS: list[tuple[Any, str]] = [
    ({"env": "NOT_SET"}, "the environment variable NOT_SET is not set"),
    ({"env": "EMPTY"}, "the environment variable EMPTY is empty"),
    ({"env": f"{SECRET}!"}, "env must be the name of one"),
    ({"env": ""}, "env must be the name of one"),
    ({"env": 1}, "env must be the name of one"),
    ({"file": "missing"}, "the file missing cannot be read: No such file or directory"),
    ({"file": "empty"}, "the file empty is empty"),
    ({"file": "binary"}, "the file binary is not text in UTF-8"),
    ({"file": "huge"}, "the file huge is larger than 65536 bytes"),
    ({"file": "."}, "the file . cannot be read: Is a directory"),
    ({"env": "A", "file": "b"}, "must be { env"),
    ({"vault": "x"}, "must be { env"),
    ({}, "must be { env"),
    (1, "a literal secret is refused"),
]


@pytest.mark.parametrize(("reference", "said"), WAYS, ids=[row[1][:40] for row in WAYS])
def test_a_reference_that_leads_nowhere_says_so(tmp_path: Path, reference: Any, said: str) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "huge").write_bytes(b"x" * 70_000)
    with pytest.raises(ConfigError) as caught:
        checked({"redis": {"url": reference}}, {"EMPTY": ""}, tmp_path / "knownas.toml")
    assert f"redis.url: {said}" in str(caught.value)
    assert SECRET not in str(caught.value)


# ---------------------------------------------------------------- the file


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[server\n", "is not TOML"),
        (b"[server]\nport = \n", "line 2"),
        (b"[server]\nport = 1\nport = 2\n", "line 3"),
        (b"[server]\n[server]\n", "line 2"),
        (b"\xff", "is not text in UTF-8"),
    ],
)
def test_a_malformed_file_is_refused_with_file_and_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "knownas.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert str(caught.value).startswith(f"{file}: ")
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml: cannot be read: No such file"):
        load(tmp_path / "nothing.toml", {})


def test_a_configuration_cannot_be_changed_later() -> None:
    with pytest.raises(ValueError, match="frozen"):
        checked({}, {}).server.port = 1  # type: ignore[misc]
