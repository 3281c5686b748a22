"""What every connector says of itself: the manifest, its documents, its figures, its mappings."""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from connectors.auth import secret_sets
from connectors.manifest import disagreements
from connectors.reading import UNREADABLE, Reading
from connectors.spec import Figure, Since
from domain.ids import Kind
from domain.provenance import System
from domain.records import RECORD_TYPES, Contact, Message


def figures(value: Any, place: str, seen: set[int]) -> Iterator[tuple[str, Figure]]:
    """Every number of a spec, with where it stands."""
    if isinstance(value, Figure):
        yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from figures(item, f"{place}.{key}", seen)
    elif hasattr(value, "__dataclass_fields__") and id(value) not in seen:
        seen.add(id(value))
        for name in value.__dataclass_fields__:
            yield from figures(getattr(value, name), f"{place}.{name}", seen)


def test_manifest_and_code_say_the_same(line: Any) -> None:
    assert disagreements(line.connector.manifest, line.connector.spec) == []


def test_the_readme_says_how_to_set_it_up_and_what_it_cannot(line: Any) -> None:
    readme = line.connector.readme
    assert f'connector = "{line.connector.name}"' in readme
    assert "## Known limitations" in readme
    for option in line.connector.options:
        assert option.name in readme, option.name
    for secret in line.connector.spec.auth.secrets:
        assert secret in readme, secret


def test_every_number_names_its_document(line: Any) -> None:
    found = list(figures(line.connector.spec, "SPEC", set()))
    assert found
    for place, figure in found:
        assert figure.value > 0, place
        assert len(figure.document) > 10, place


def test_cursors_say_what_they_can_be_trusted_with(line: Any) -> None:
    for kind, endpoint in line.connector.spec.kinds.items():
        form = endpoint.changed_since
        if form is None:
            continue
        assert kind in form.policy.covers
        assert form.policy.full_scan_every.total_seconds() > 0
        assert form.policy.resolution.total_seconds() > 0
        if isinstance(form, Since) and form.cap is not None:
            assert form.cap.value > 0


def test_the_fake_vendor_keeps_the_secrets_the_connector_needs(line: Any) -> None:
    assert set(line.vendor.SECRETS) <= set(line.connector.secrets)
    ways = secret_sets(line.connector.spec.auth)
    assert any(set(names) <= set(line.vendor.SECRETS) for names in ways)


def reading() -> Reading:
    return Reading(
        system=System(name="here", kind="CRM", connector="x"),  # type: ignore[arg-type]
        fetched_at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    )


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a row, by the keys that lead to it."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def test_a_row_with_anything_in_any_place_is_read_or_dropped(line: Any) -> None:
    """A vendor may put null, another type or nothing anywhere: no mapping may crash over it, and
    what it does read is of the right type.
    """
    for kind, rows in line.vendor.seed(1).items():
        for path in places(rows[0]):
            for strange in (None, "", "?", 7, -1.5, True, [], {}, [None], {"x": None}, "DELETE"):
                row = copy.deepcopy(rows[0])
                place = row
                for key in path[:-1]:
                    place = place[key]
                if strange == "DELETE" and isinstance(place, dict):
                    del place[path[-1]]
                else:
                    place[path[-1]] = strange
                _check(line, kind, row)


def _check(line: Any, kind: Kind, row: Any) -> None:
    try:
        record = line.connector.spec.kinds[kind].map(row, reading())
    except UNREADABLE:
        return
    assert isinstance(record, RECORD_TYPES[kind])
    assert record.key.kind is kind
    assert record.key.external_id
    if not isinstance(record, Contact):
        at = record.at if isinstance(record, Message) else record.occurred_at
        assert at.utcoffset() is not None
        assert at.utcoffset().total_seconds() == 0
