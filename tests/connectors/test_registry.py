"""Finding connectors, ours and others', and putting one together with its settings."""

import importlib.metadata
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from connectors import registry
from connectors.auth import Secret
from connectors.httpx_sender import HttpxSender
from connectors.registry import (
    build_source,
    connector_names,
    described,
    load_connector,
    load_connectors,
)
from connectors.settings import SourceSettings
from domain.errors import ConfigError
from domain.ids import Kind
from domain.sources import Source

OURS = ["hubspot", "intercom", "shopify", "zendesk"]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Registers a package made here as somebody else's connector."""
    points: list[importlib.metadata.EntryPoint] = []
    monkeypatch.setattr(
        "connectors.registry.entry_points", lambda group: [p for p in points if p.group == group]
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def register(name: str, code: str, **files: str) -> None:
        package = f"elsewhere_{name}_{len(points)}"
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(code)
        for file, text in files.items():
            (tmp_path / package / file.replace("_", ".")).write_text(text)
        points.append(importlib.metadata.EntryPoint(name, package, "knownas.connectors"))
        registry._packages.cache_clear()
        monkeypatch.delitem(sys.modules, package, raising=False)

    yield register
    registry._packages.cache_clear()


def hubspots(name: str) -> tuple[str, str]:
    """The code and manifest of a connector that is HubSpot's under another name."""
    folder = Path(sys.modules[load_connector("hubspot").package].__file__ or "").parent
    code = (
        "from dataclasses import replace\n"
        "from connectors.hubspot import SPEC\n"
        f"SPEC = replace(SPEC, connector={name!r})\n"
    )
    manifest = (folder / "manifest.toml").read_text()
    return code, manifest.replace('connector = "hubspot"', f'connector = "{name}"')


def build(settings: SourceSettings, harness: Any) -> Source:
    transport = httpx.MockTransport(lambda _: httpx.Response(500))
    return build_source(
        "crm",
        settings,
        HttpxSender(transport),
        clock=harness.Clock(),
        telemetry=harness.Tally(),
        dice=Random(7),
    )


def test_ours_are_found_and_sound() -> None:
    assert [name for name in connector_names() if name in OURS] == OURS
    for connector in load_connectors():
        shown = described(connector)
        assert json.loads(json.dumps(shown)) == shown
        assert shown["connector"] == connector.name
        assert connector.readme


def test_somebody_elses_is_found_by_its_entry_point(elsewhere: Any, harness: Any) -> None:
    code, manifest = hubspots("acme")
    elsewhere("acme", code, manifest_toml=manifest, README_md="# Acme")
    assert "acme" in connector_names()
    assert load_connector("acme").readme == "# Acme"
    settings = SourceSettings(connector="acme", secrets={"token": Secret("x")})
    assert build(settings, harness).system.connector == "acme"


def test_nobody_can_stand_in_for_ours(elsewhere: Any) -> None:
    code, manifest = hubspots("hubspot")
    elsewhere("hubspot", code, manifest_toml=manifest, README_md="#")
    assert load_connector("hubspot").package == "connectors.hubspot"


@pytest.mark.parametrize(
    ("code", "files", "complaint"),
    [
        ("import nothing_of_the_kind", {}, "cannot be imported"),
        ("", {}, "holds no SPEC"),
        ("SPEC = 7", {}, "holds no SPEC"),
        ("from connectors.hubspot import SPEC", {}, "no manifest.toml"),
        ("from connectors.hubspot import SPEC", {"manifest_toml": "x = 1"}, "unknown key x"),
    ],
)
def test_a_broken_connector_is_refused_with_its_name(
    elsewhere: Any, code: str, files: dict[str, str], complaint: str
) -> None:
    elsewhere("acme", code, **files)
    with pytest.raises(ConfigError, match=complaint):
        load_connector("acme")


def test_a_connector_goes_by_one_name(elsewhere: Any) -> None:
    code, manifest = hubspots("other")
    elsewhere("acme", code, manifest_toml=manifest, README_md="#")
    with pytest.raises(ConfigError, match="SPEC calls it other"):
        load_connector("acme")


def test_an_unknown_connector_is_refused_with_those_there_are(harness: Any) -> None:
    with pytest.raises(ConfigError, match="no connector 'hubsport'; there are chatwoot, comm"):
        build(SourceSettings(connector="hubsport"), harness)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"secrets": {}}, r"sources\.crm\.token: a secret is needed"),
        ({"base_url": "ftp://x"}, r"sources\.crm\.base_url"),
        ({"base_url": "https://"}, r"sources\.crm\.base_url"),
        ({"base_url": "https://user:planted@x.example"}, r"sources\.crm\.base_url"),
        ({"base_url": "https://x.example/?planted=1"}, r"sources\.crm\.base_url"),
        ({"base_url": "https://x.example:port"}, r"sources\.crm\.base_url"),
        ({"options": {"foreign": "x"}}, r"sources\.crm\.foreign: unknown; hubspot has account_"),
        ({"options": {"foreign_ids": "x"}}, r"sources\.crm\.foreign_ids: must be a table"),
        ({"options": {"account_number_property": {}}}, r"account_number_property: must be a text"),
        ({"rates": {"minute": 5}}, r"sources\.crm\.rates\.minute: .* hubspot has account, search"),
        ({"rates": {"account": 0}}, r"sources\.crm\.rates\.account: must be above 0"),
        ({"rates": {"account": float("nan")}}, r"must be above 0"),
        ({"time_zone": "Mars/Base"}, r"sources\.crm\.time_zone: no such time zone"),
        ({"timeout_s": 0}, r"sources\.crm\.timeout_s: must be above 0"),
        ({"customer_key": ""}, r"sources\.crm\.customer_key"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_their_place(
    harness: Any, more: dict[str, Any], complaint: str
) -> None:
    kept = {"secrets": {"token": Secret("x")}, **more}
    with pytest.raises(ConfigError, match=complaint) as refusal:
        build(SourceSettings(connector="hubspot", **kept), harness)
    assert "planted" not in str(refusal.value)


async def test_a_source_is_closed_with_its_sender(harness: Any) -> None:
    closed: list[bool] = []

    class Sender(HttpxSender):
        async def close(self) -> None:
            closed.append(True)

    settings = SourceSettings(connector="hubspot", secrets={"token": Secret("x")})
    source = build_source(
        "crm",
        settings,
        Sender(httpx.MockTransport(lambda _: httpx.Response(500))),
        clock=harness.Clock(),
        telemetry=harness.Tally(),
    )
    assert source.close is not None
    await source.close()
    assert closed == [True]


def test_a_source_says_what_it_is_and_can_do(harness: Any) -> None:
    settings = SourceSettings(
        connector="hubspot",
        base_url="https://api.hubapi.com/",
        secrets={"token": Secret("x")},
        timeout_s=1.5,
        customer_key="email",
        region="EU",
    )
    source = build(settings, harness)
    assert (source.name, source.system.region, source.timeout_s) == ("crm", "EU", 1.5)
    assert source.customer_key == "email"
    assert source.holds_people
    assert set(source.gets) == set(source.changes) == {Kind.CONTACT}
    assert not source.children
    assert source.webhooks is None
    assert source.credential
