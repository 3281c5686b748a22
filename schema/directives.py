"""What the SDL says of fields beyond their types: how personal they are, and what they cost."""

import strawberry
from strawberry.schema_directive import Location

from domain.vocabulary import MaskStyle, PiiClass


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="pii",
    description=(
        "How sensitive a field is. A caller without the scope for a class gets the mask, never a "
        "nulled parent."
    ),
)
class Pii:
    cls: PiiClass = strawberry.directive_field(name="class")
    mask: MaskStyle = strawberry.directive_field(name="mask", default=MaskStyle.PARTIAL)


@strawberry.schema_directive(
    locations=[
        Location.ARGUMENT_DEFINITION,
        Location.ENUM,
        Location.FIELD_DEFINITION,
        Location.INPUT_FIELD_DEFINITION,
        Location.OBJECT,
        Location.SCALAR,
    ],
    name="cost",
)
class Cost:
    weight: str


@strawberry.schema_directive(locations=[Location.FIELD_DEFINITION], name="listSize")
class ListSize:
    assumed_size: int | None = strawberry.directive_field(
        name="assumedSize", default=strawberry.UNSET
    )
    slicing_arguments: list[str] | None = strawberry.directive_field(
        name="slicingArguments", default=strawberry.UNSET
    )
    sized_fields: list[str] | None = strawberry.directive_field(
        name="sizedFields", default=strawberry.UNSET
    )
    require_one_slicing_argument: bool | None = strawberry.directive_field(
        name="requireOneSlicingArgument", default=True
    )


IDENTITY = Pii(cls=PiiClass.IDENTITY)
CONTACT = Pii(cls=PiiClass.CONTACT)
FINANCIAL = Pii(cls=PiiClass.FINANCIAL)
CONTENT = Pii(cls=PiiClass.CONTENT)
SPECIAL = Pii(cls=PiiClass.SPECIAL, mask=MaskStyle.REDACT)

PAGED = ListSize(
    slicing_arguments=["first"],
    sized_fields=["edges", "nodes"],
    require_one_slicing_argument=False,
)
FIRST = ListSize(slicing_arguments=["first"], require_one_slicing_argument=False)
KEYS = ListSize(slicing_arguments=["by"])
UPSTREAM = Cost(weight="5")
"""A field that may call a source of its own."""


def about(size: int) -> ListSize:
    """A list of which nobody says the length, and what it usually is."""
    return ListSize(assumed_size=size, require_one_slicing_argument=False)
