"""Money in minor units, so that sums are exact."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

# ISO 4217 (list one): currencies whose minor unit is not a hundredth.
_EXPONENTS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


class _Shown:
    """What is kept beside what makes two amounts the same."""

    __slots__ = ("text",)

    text: str
    """`Money.amount` as text. Whoever makes money of a text has it at hand; else it is worked out
    when it is first read.
    """


@dataclass(frozen=True, slots=True)
class Money(_Shown):
    """`minor` units (cents, pence, yen) of the ISO 4217 `currency`."""

    minor: int
    currency: str

    @property
    def amount(self) -> Decimal:
        """In major units, with the currency's number of decimals."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __getattr__(self, name: str) -> str:
        if name != "text":
            raise AttributeError(name)
        object.__setattr__(self, "text", text := str(self.amount))
        return text


def exponent(currency: str) -> int:
    """How many decimals the currency has (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


def from_major(amount: str | int | Decimal, currency: str) -> Money:
    """Money of an amount in major units ("12.50"); more decimals than the currency has are rounded
    half-even.

    Raises ValueError for what is not a finite number. Floats are not taken: they have already lost
    cents.
    """
    currency = currency.upper()
    if len(currency) != 3 or not currency.isalpha():
        raise ValueError(f"not an ISO 4217 code: {currency[:8]!r}")
    try:
        minor = Decimal(amount).scaleb(exponent(currency))
        return Money(int(minor.quantize(Decimal(1), ROUND_HALF_EVEN)), currency)
    except (InvalidOperation, OverflowError) as error:
        raise ValueError("not an amount of money") from error
