"""What is answered from the metadata is what the library answers."""

from collections.abc import Iterator
from random import Random

import phonenumbers
import pytest

from identity import numbering


def dialled(rng: Random, region: str) -> Iterator[tuple[str, str | None]]:
    """Numbers of a region as people dial them, and with a digit wrong, lost or too many."""
    code = phonenumbers.country_code_for_region(region)
    for type_ in (0, 1, 3, 4, 6):
        example = phonenumbers.example_number_for_type(region, type_)
        if example is None:
            continue
        digits = phonenumbers.national_significant_number(example)
        wrong = digits[:3] + str(rng.randrange(10)) + digits[4:]
        for national in (digits, wrong, digits[:-1], digits + "1"):
            yield f"+{code}{national}", None
            yield national, region
            yield rng.choice(("0", "1", "8", "00", str(code))) + national, region


def library(text: str, region: str | None) -> tuple[int, str, int] | None:
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    code = parsed.country_code or 0
    return code, phonenumbers.national_significant_number(parsed), phonenumbers.number_type(parsed)


def test_numbers_of_every_region_are_read_as_the_library_reads_them() -> None:
    rng = Random(11)
    regions = ["GB", "US", "DE", "ES", "PL", "IT", "FR", *sorted(phonenumbers.SUPPORTED_REGIONS)]
    cases = [case for region in regions[:60] for case in dialled(rng, region)]
    answered = 0
    for text, region in cases:
        known = numbering.read(text, region)
        if known is not None:
            answered += 1
            assert (*known, numbering.kind(*known)) == library(text, region), (text, region)
    assert answered > len(cases) / 2


@pytest.mark.parametrize("text", ["+0441234567", "+4", "+999123456", "+", "12", ""])
def test_what_only_the_library_can_tell_is_left_to_it(text: str) -> None:
    assert numbering.read(text, None) is None


def test_a_region_nobody_knows_is_left_to_the_library() -> None:
    assert numbering.read("02079460000", "XX") is None
