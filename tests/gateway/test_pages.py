"""The landing page and what it loads."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import parse, validate

from gateway import pages
from schema.graph import build_schema


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A console as the build leaves it."""
    (tmp_path / "console.js").write_text("// script")
    (tmp_path / "console.css").write_text("/* style */")
    (tmp_path / "part-ABC.js").write_text("// part")
    monkeypatch.setattr(pages, "DIST", tmp_path)
    return tmp_path


async def test_the_page_starts_with_a_query_that_is_ready(built: Path, make_server: Any) -> None:
    async with make_server().client() as client:
        page = await client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    (settings,) = re.findall(
        r'<script type="application/json" id="settings">(.+?)</script>', page.text
    )
    assert json.loads(settings) == {"endpoint": "graphql", "query": "{ customer { id } }"}


async def test_nothing_is_loaded_from_anywhere_else(built: Path, make_server: Any) -> None:
    async with make_server().client() as client:
        page = await client.get("/")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "http" not in policy
        assert re.findall(r'(?:src|href)="(?!data:)([^"]*)"', page.text)
        for address in re.findall(r'(?:src|href)="(console/[^"]*)"', page.text):
            assert (await client.get(f"/{address}")).status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert not re.search(r"<script(?![^>]*(?:src=|application/json))", page.text)


async def test_files_with_a_hash_in_their_name_are_kept_for_ever(
    built: Path, make_server: Any
) -> None:
    async with make_server().client() as client:
        assert "immutable" in (await client.get("/console/part-ABC.js")).headers["cache-control"]
        assert (await client.get("/console/console.js")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/console/../config.py", "/console/%2e%2e/config.py", "/console/x"]
)
async def test_no_other_file_can_be_had(built: Path, make_server: Any, path: str) -> None:
    async with make_server().client() as client:
        assert (await client.get(path)).status_code == 404


async def test_without_introspection_there_is_a_page_and_no_graphiql(
    built: Path, make_server: Any
) -> None:
    async with make_server(server={"introspection": "off"}).client() as client:
        page = await client.get("/")
        assert page.status_code == 200
        assert "introspection is off" in page.text
        assert "{ customer { id } }" in page.text
        assert (await client.get("/console/console.js")).status_code == 404


async def test_a_console_that_is_not_built_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_server: Any
) -> None:
    monkeypatch.setattr(pages, "DIST", tmp_path / "nothing")
    async with make_server().client() as client:
        assert "not built" in (await client.get("/")).text


def test_a_query_cannot_end_the_script_it_stands_in() -> None:
    page = pages._page("</script><script>alert(1)</script>", is_built=True, with_console=True)
    assert "</script><script>alert" not in page
    page = pages._page("</pre><script>", is_built=False, with_console=True)
    assert "<script>" not in page


def test_the_console_is_built_from_pinned_packages_of_no_particular_registry() -> None:
    lock = json.loads((pages.CONSOLE / "package-lock.json").read_text())
    asked = json.loads((pages.CONSOLE / "package.json").read_text())
    wanted = {**asked["dependencies"], **asked["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    packages = {name: held for name, held in lock["packages"].items() if name}
    assert all(held["integrity"].startswith("sha512-") for held in packages.values())
    assert not [name for name, held in packages.items() if "resolved" in held]


def test_the_ready_query_is_a_query_of_this_graph() -> None:
    schema = build_schema()._schema
    assert validate(schema, parse(pages.ready_query("a@b.example"))) == []


async def test_the_page_needs_no_token(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).status_code == 200
