"""Values that say "I had to fill something in": recognised by their make, not by a list alone."""

from identity.rules import Match, one_of, words

FILLERS = frozenset(
    words("""
    anon anonymous asdf asdfg asdfgh caller client contact customer deleted delete dummy empty
    example fake false foo bar foobar guest inconnu invalid keine leer lorem ipsum missing n-a n/a
    na name nan nil no noemail noname none nobody not available null private qwert qwerty redacted
    removed sample sconosciuto tba tbc tbd temp test tester testing testtest undefined unbekannt
    unknown unnamed unspecified user visitor void walkin walk-in web website xx xxx xxxx xyz abc
    desconocido nieznany inconnue sin nombre brak kein keiner""")
)
"""Words that stand for nothing; a value made of these alone names nobody."""

NOBODYS = frozenset(
    words("""
    anonymous caller customer deleted dummy inconnu noname test tester unbekannt undefined unknown
    unnamed visitor void website desconocido nieznany sconosciuto walkin voicemail""")
)
"""Words no name contains: a name with one of them names nobody."""

DESKS = frozenset(
    words("""
    accounts accounting accountspayable admin administration ap billing bookings buero buying
    compras contact contabilidad contato einkauf enquiries facturas finance front frontdesk general
    hello help helpdesk hi hola hr info informacion inquiries invoices it kontakt logistics mail
    mailbox marketing office oficina operations ops orders payroll pedidos postmaster procurement
    purchase purchasing reception rechnung reservations sales secretary secretariat service shop
    staff store support team travel ventas verkauf warehouse webmaster zamowienia biuro
    sekretariat""")
)
"""Words that name a desk and not a person."""
_DESK_WORDS = one_of(DESKS | {"team", "dept", "department", "desk", "line", "account"})

WORDS_ONLY_FILL = Match(
    f"(?:{one_of(word.replace('/', ' ').replace('-', ' ') for word in FILLERS)} ?)+"
)
NAMES_NOBODY = Match(
    f"{WORDS_ONLY_FILL.pattern}|(?:{_DESK_WORDS} ?)+|(?:.* )?{one_of(NOBODYS)}(?: .*)?"
)
USER_FILLS = Match(
    "(?:no|not|none|na|nil|null|test|tester|testing|testtest|unknown|unavailable|dummy|fake|sample|"
    "example|noemail|nomail|no-?e?-?mail|none?given|notgiven|noaddress|no-?reply|donotreply|"
    "do-?not-?reply|abc|asdf[a-z]*|qwert[a-z]*|foo|bar|foobar|xxx*|anonymous|anon|invalid|"
    "placeholder|deleted|someone|somebody|nobody|user|email|mail)[0-9]{0,3}"
)
"""The part before the @ of an address nobody reads."""

COUNTING = ("0123456789012", "9876543210987")


def one_character(text: str) -> bool:
    """'xxxx', '0000', '---': no information in it. An empty text is one too."""
    return not text or not text.replace(text[0], "")


def one_character_sql(expression: str) -> str:
    return f"(replace({expression}, {expression}[1], '') = '')"


def counts(digits: str) -> bool:
    """1234567, 9876543: typed along the keyboard."""
    return len(digits) >= 5 and any(digits in (row + row) for row in COUNTING)
