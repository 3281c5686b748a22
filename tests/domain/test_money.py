"""Amounts of money, and their text."""

import pytest

from domain.money import Money, from_major


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1250, "GBP"), "12.50"),
        (Money(-5, "EUR"), "-0.05"),
        (Money(0, "EUR"), "0.00"),
        (Money(500, "JPY"), "500"),
        (Money(1, "BHD"), "0.001"),
        (from_major("7", "CLF"), "7.0000"),
    ],
)
def test_the_text_of_an_amount_is_the_amount(money: Money, text: str) -> None:
    assert money.text == str(money.amount) == text
    assert money.text is money.text


def test_amounts_are_equal_whether_or_not_their_text_was_read() -> None:
    read, unread = Money(1250, "GBP"), Money(1250, "GBP")
    assert read.text == "12.50"
    assert (read, hash(read), repr(read)) == (unread, hash(unread), repr(unread))


def test_money_has_no_other_attributes_than_it_has() -> None:
    money = Money(1, "EUR")
    with pytest.raises(AttributeError, match="cents"):
        _ = money.cents  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        money.minor = 2  # type: ignore[misc]
