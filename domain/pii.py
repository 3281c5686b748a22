"""Which attributes of a record are personal, said once, on the attribute itself."""

from dataclasses import dataclass, fields
from typing import Any

from domain.vocabulary import MaskStyle, PiiClass


@dataclass(frozen=True, slots=True)
class Pii:
    """How sensitive an attribute is and what a caller without the scope sees instead."""

    cls: PiiClass
    mask: MaskStyle = MaskStyle.PARTIAL


def pii(cls: PiiClass, mask: MaskStyle = MaskStyle.PARTIAL) -> dict[str, Any]:
    """Metadata for `dataclasses.field`."""
    return {"pii": Pii(cls, mask)}


def pii_fields(record: type) -> dict[str, Pii]:
    """The personal attributes of a record type, by attribute name."""
    return {f.name: f.metadata["pii"] for f in fields(record) if "pii" in f.metadata}
