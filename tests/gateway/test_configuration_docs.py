"""docs/configuration.md and the configuration say the same."""

import re
import tomllib
from pathlib import Path

from gateway.config_file import checked
from gateway.options import options
from gateway.scopes import SCOPES

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_every_option_is_described_with_its_default() -> None:
    written = re.findall(
        r"^\| `([^`]+)` \| (?:`([^`]*)`)? ?\| (.+) \|$", DOCUMENT.read_text(), re.M
    )
    described = [(key, default, meaning) for key, default, meaning in written if "." in key]
    assert described == [(o.key, o.default, o.meaning) for o in options()]


def test_every_option_has_a_meaning() -> None:
    assert [option.key for option in options() if not option.meaning] == []


def test_the_example_is_a_configuration(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.+?)```", DOCUMENT.read_text(), re.S)
    tables = tomllib.loads(example)
    (tmp_path / "shopify").write_text("t")
    tables["sources"]["shop"]["token"] = {"file": "shopify"}
    assert len(checked(tables, {"HUBSPOT_TOKEN": "t"}, tmp_path / "knownas.toml").sources) == 2


def test_every_scope_is_described() -> None:
    text = DOCUMENT.read_text()
    assert [scope for scope in sorted(SCOPES) if f"`{scope}`" not in text] == []
