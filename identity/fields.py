"""The smaller fields: account numbers, handles, companies, birth dates."""

from identity.placeholders import WORDS_ONLY_FILL, one_character, one_character_sql
from identity.rules import Match, Rewrite, one_of, words

ACCOUNT = Rewrite(((r"[^a-z0-9]", ""),))
HANDLE = Rewrite(
    (
        (r"^ *https?://[^/]*/", ""),
        (r"^[ @]+", ""),
        (r"[/?].*$", ""),
        (r" ", ""),
    )
)
LEGAL_FORMS = one_of(
    words("""
    inc ltd llc llp plc corp corporation company co limited gmbh ag kg ohg ug se sa sas sarl sl
    slu srl spa sp zoo z o bv nv ab as oy oyj aps pty""")
)
COMPANY = Rewrite(
    (
        (r"[^a-z0-9]+", " "),
        (rf"(?: {LEGAL_FORMS})+ *$", ""),
    )
)
BIRTH_DATE = Rewrite(
    (
        (r"^ *([0-9]{4})[-/.]?([0-9]{2})[-/.]?([0-9]{2}).*$", r"\1\2\3"),
        (r"^ *([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4}) *$", r"\3-\2-\1"),
        (r"-([0-9])(-|$)", r"-0\1\2"),
        (r"-([0-9])$", r"-0\1"),
        (r"-", ""),
    )
)
"""Eight digits, year first. ISO as the contract says, plus the two forms exports mangle it into;
an impossible day is kept, since a typing error is still worth comparing."""
EIGHT_DIGITS = Match("[0-9]{8}")
NO_DATE = Match("0000.*|....00.*|......00|19000101|1111.*|9999.*|12345678")
"""What systems store when they have none. Other overused dates lose their weight by frequency."""


def code(rewrite: Rewrite, folded: str) -> str:
    """An account number, handle or company; empty where it is a filler."""
    text = rewrite(folded)
    return "" if WORDS_ONLY_FILL(text) or one_character(text) else text


def code_sql(rewrite: Rewrite, expression: str) -> str:
    text = rewrite.sql(expression)
    return f"""case when {WORDS_ONLY_FILL.sql(text)} or {one_character_sql(text)} then ''
        else coalesce({text}, '') end"""


def birth_date(folded: str) -> str:
    """YYYYMMDD, empty where not said."""
    digits = BIRTH_DATE(folded)
    return digits if EIGHT_DIGITS(digits) and not NO_DATE(digits) else ""


def birth_date_sql(expression: str) -> str:
    digits = BIRTH_DATE.sql(expression)
    return f"""case when {EIGHT_DIGITS.sql(digits)} and not {NO_DATE.sql(digits)} then {digits}
        else '' end"""
