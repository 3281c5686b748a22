"""The manifest: read whole, or refused with its place; held against the code in both directions."""

import re
from dataclasses import replace

import pytest

from connectors.manifest import (
    RULES,
    Capability,
    Manifest,
    Tier,
    Worth,
    disagreements,
    parse_manifest,
)
from connectors.registry import load_connector
from domain.customer import KeyKind
from domain.errors import ConfigError
from domain.ids import Kind
from domain.vocabulary import SystemKind

QUALITY = "\n".join(f'{rule} = "done"' for rules in RULES.values() for rule in rules)
TEXT = f"""
connector = "acme"
title = "Acme"
system = "CRM"
api_version = "v1"
documentation = "https://acme.example/docs"
read_on = 2026-11-22
owner = "somebody"
tier = "gold"
webhooks = true
search = ["email"]

[capabilities]
contact = ["get_many", "search"]

[identity.emails]
worth = "strong"
unique = true

[quality]
{QUALITY}
"""


def test_a_manifest_is_read_whole() -> None:
    manifest = parse_manifest(TEXT, "acme/manifest.toml")
    assert isinstance(manifest, Manifest)
    assert (manifest.system, manifest.tier) == (SystemKind.CRM, Tier.GOLD)
    assert manifest.capabilities == {
        Kind.CONTACT: frozenset({Capability.GET_MANY, Capability.SEARCH})
    }
    assert manifest.search == {KeyKind.EMAIL}
    assert (manifest.identity["emails"].worth, manifest.identity["emails"].unique) == (
        Worth.STRONG,
        True,
    )


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('title = "Acme"', "", "title is missing"),
        ('title = "Acme"', 'title = " "', "title: must not be empty"),
        ('title = "Acme"', "title = 7", "title: must be a str"),
        (
            'title = "Acme"',
            'title = "Acme"\ntittle = "x"',
            "unknown key tittle; did you mean title",
        ),
        ('system = "CRM"', 'system = "CRN"', "system: must be one of CRM, OMS"),
        ("read_on = 2026-11-22", 'read_on = "today"', "read_on: must be a date"),
        ("webhooks = true", 'webhooks = "yes"', "webhooks: must be a bool"),
        ('tier = "gold"', 'tier = "diamond"', "tier: must be one of bronze"),
        ("contact = [", "contacts = [", "capabilities.contacts: must be of contact, order"),
        ('"get_many", "search"]', '"get_all"]', "capabilities.contact: must be one of get_many"),
        ('["get_many", "search"]', '"get_many"', "capabilities.contact: must be a list"),
        ('search = ["email"]', 'search = ["mail"]', "search: must be one of id, email"),
        ("[identity.emails]", "[identity.mail]", "identity.mail: must be of"),
        ('worth = "strong"', 'worth = "some"', "identity.emails.worth: must be one of strong"),
        ("unique = true", "", "identity.emails: unique is missing"),
        ('deadlines = "done"', "", "quality: deadlines is missing"),
        ('deadlines = "done"', 'deadlines = "soon"', "quality.deadlines: must be"),
        ('deadlines = "done"', 'deadlines = "exempt: "', "quality.deadlines: must be"),
        ('deadlines = "done"', 'deadlines = "todo"', "tier: gold is claimed, deadlines is todo"),
        ('connector = "acme"', 'connector = "acme', "acme/manifest.toml: "),
        ("[capabilities]", "[capabilities", "acme/manifest.toml: "),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_is_allowed(
    old: str, new: str, complaint: str
) -> None:
    assert old in TEXT
    with pytest.raises(ConfigError, match=re.escape(complaint)) as refusal:
        parse_manifest(TEXT.replace(old, new, 1), "acme/manifest.toml")
    assert str(refusal.value).startswith("acme/manifest.toml")


def test_what_a_higher_tier_asks_may_be_open_or_exempt() -> None:
    text = TEXT.replace('batch_measured = "done"', 'batch_measured = "todo"')
    text = text.replace('deadlines = "done"', 'deadlines = "exempt: it answers from a file"')
    manifest = parse_manifest(text, "x")
    assert manifest.quality["deadlines"] == "exempt: it answers from a file"


def test_code_and_manifest_are_compared_in_both_directions() -> None:
    connector = load_connector("hubspot")
    manifest, spec = connector.manifest, connector.spec
    assert disagreements(manifest, spec) == []
    more = {**manifest.capabilities, Kind.TICKET: frozenset({Capability.GET_MANY})}
    assert disagreements(replace(manifest, capabilities=more), spec) == [
        "capabilities.ticket: the manifest says get_many, the code nothing"
    ]
    assert disagreements(replace(manifest, capabilities={}), spec) == [
        "capabilities.contact: the manifest says nothing, the code changed_since, get_many, search"
    ]
    assert disagreements(replace(manifest, search=frozenset()), spec) == [
        "search: the manifest says none, the code accountNumber, email, external, phone"
    ]
    assert len(disagreements(manifest, replace(spec, webhooks=None, connector="x"))) == 2
    assert disagreements(replace(manifest, identity={}), spec)
