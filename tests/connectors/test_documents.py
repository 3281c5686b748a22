"""docs/connectors.md: its example is run, and nothing a connector's author meets is missing."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors import spec
from connectors.manifest import RULES, Capability, Manifest, Tier, Worth
from connectors.spec import Spec
from domain.customer import KeyKind, LookupKey
from domain.ids import Kind

ROOT = Path(__file__).parents[2]
CHANGED = "2026-01-01T00:00:00Z"
TEXT = (ROOT / "docs" / "connectors.md").read_text(encoding="utf-8")


def test_every_rule_tier_and_key_of_a_manifest_is_explained() -> None:
    words = [
        *Tier,
        *Worth,
        *Capability,
        *(rule for rules in RULES.values() for rule in rules),
        *Manifest.__dataclass_fields__,
    ]
    assert [word for word in words if str(word) not in TEXT] == []


def test_every_form_is_explained() -> None:
    kinds = [kind for kind in vars(spec).values() if isinstance(kind, type)]
    forms = [k.__name__ for k in kinds if issubclass(k, spec.Call) and not k.__subclasses__()]
    assert len(forms) >= 6
    assert [name for name in forms if f"| `{name}` |" not in TEXT] == []


def test_every_part_of_a_fake_vendor_is_explained(harness: Any) -> None:
    vendor = harness.load_vendor("hubspot")
    used = {"SECRETS", "OPTIONS", "seed", "external_id", "parents", "searches", "touch", "spoil"}
    used |= {"answer", "rate_limited", "delivery"}
    assert used <= set(vars(vendor))
    assert [name for name in used if f"`{name}" not in TEXT] == []


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"`((?:connectors|tests)/[\w/.]+)`", TEXT))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.usefixtures("virtual_time")
async def test_the_example_is_a_connector(harness: Any) -> None:
    found = re.search(r"```python\n(.*?)```", TEXT, re.S)
    assert found
    space: dict[str, Any] = {}
    exec(compile(found[1], "docs/connectors.md", "exec"), space)  # noqa: S102  # our own document
    example: Spec = space["SPEC"]
    people = [
        {
            "id": n,
            "name": f"Ann {n}",
            "emails": [f"a{n}@b.example"],
            "changed_at": "2026-01-01T00:00:00Z",
        }
        for n in (1, 2)
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        ids, email = request.url.params.get("ids"), request.url.params.get("email")
        rows = [p for p in people if not ids or str(p["id"]) in ids.split(",")]
        rows = [p for p in rows if not email or email in p["emails"]]
        return httpx.Response(200, json={"people": rows})

    source = harness.opened(example, answer)
    got = await source.gets[Kind.CONTACT].get_many(["2", "x", "1"], None, harness.within())
    assert [contact and contact.full_name for contact in got] == ["Ann 2", None, "Ann 1"]
    found_by = await source.search.search(
        LookupKey(KeyKind.EMAIL, "a1@b.example"), harness.within()
    )
    assert [contact.key.external_id for contact in found_by] == ["1"]
    page = await source.changes[Kind.CONTACT].changed_since(None, harness.within())
    assert (len(page.records), page.more) == (2, False)
