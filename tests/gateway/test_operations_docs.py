"""docs/operations.md mentions every command, code, event and address there is."""

import re
from pathlib import Path

import pytest
from starlette.routing import Route

from domain import errors
from gateway import refusals
from gateway.commands import COMMANDS
from gateway.request import PROOF_HEADERS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "operations.md").read_text()


def _codes(root: type[errors.GatewayError]) -> set[str]:
    inner = (_codes(kind) for kind in root.__subclasses__())
    return {root.code}.union(*inner)


def test_every_command_is_mentioned() -> None:
    assert re.findall(r"^\| `knownas ([a-z]+)` \|", TEXT, re.M) == list(COMMANDS)


def test_every_code_is_explained() -> None:
    assert refusals.Refusal.__subclasses__()
    explained = set(re.findall(r"^\| `([A-Z_]+)` \|", TEXT, re.M))
    assert _codes(errors.GatewayError) <= explained


def test_every_address_is_mentioned(server: object) -> None:
    routes = server.app.routes  # type: ignore[attr-defined]
    paths = {route.path for route in routes if isinstance(route, Route)}
    assert {path for path in paths if f" {path}`" not in TEXT} == set()


@pytest.mark.parametrize("header", PROOF_HEADERS)
def test_every_header_that_proves_a_request_is_mentioned(header: str) -> None:
    assert header in TEXT.lower()


def test_every_event_is_explained() -> None:
    explained = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", TEXT)) | {"request", "serving", "stopped"}
    code = "".join(
        path.read_text()
        for folder in ("gateway", "connectors", "resolvers", "state", "identity", "schema")
        for path in (ROOT / folder).rglob("*.py")
    )
    calls = r'log(?:ger)?\.(?:info|warning|error|exception)\(\s*"([a-z_]+)'
    assert set(re.findall(calls, code)) <= explained
