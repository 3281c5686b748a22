"""E-mail addresses in the form in which two of them are compared."""

from importlib import resources

from identity.placeholders import DESKS, USER_FILLS, one_character, one_character_sql
from identity.rules import Extract, Match, Rewrite, literal, one_of, words

CLEAN = Rewrite(
    (
        (r"^.*<([^<>]*)>.*$", r"\1"),
        (r"^ *mailto:", ""),
        (r"[ ,;]+$", ""),
        (r" +", ""),
        (r",(com|net|org|co|de|fr|es|pl|it|uk)$", r".\1"),
        (r"@googlemail\.com$", "@gmail.com"),
        (r"^([^@+]+)\+[^@]*@", r"\1@"),
    )
)
"""Display names, white space and the tag of a plus-address go: user+tag reaches the mailbox of
user at every provider that has the feature, and elsewhere nobody has a plus in a name."""

CLEAN_ALREADY = Match(r"[a-z0-9._-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}")
"""Addresses that CLEAN leaves as they are, but for those of NAMED_TWICE."""
NAMED_TWICE = "@googlemail.com"

ADDRESS = Match(r"[^@ ]+@[^@ ]+\.[a-z0-9-]{2,}")
USER = Extract("^([^@]*)@")
DOMAIN = Extract("@([^@]*)$")
NO_DOTS = Rewrite(((r"\.", ""),))
DOT_BLIND = ("gmail.com",)
"""Providers that deliver to one mailbox however the dots fall (Gmail's help)."""

RELAYS = one_of(
    words(
        """relay reply anonaddy marketplace guest simplelogin duck proxy mozmail privaterelay
        message"""
    )
)
RELAY = Match(rf".*(?:^|[.-])(?:private)?{RELAYS}(?:[.-].*|)")
"""Domains of forwarding addresses, made up for one order or one shop: the same one is the same
person, two different ones say nothing."""

ROLE = Match(rf"{one_of(DESKS)}[._-]?(?:{one_of(DESKS)}|[a-z]{{2}})?[0-9]{{0,2}}")
"""User parts that name a desk and not a person."""
FAMILY = Match(
    r"(?:.*[._-])?(?:family|familie|familia|famille|famiglia|rodzina|household|home)(?:[0-9._-].*|)"
)
"""User parts that name a household."""

FREE = frozenset(
    line
    for line in resources.files("identity").joinpath("data/free_mail.txt").read_text().splitlines()
    if not line.startswith("#")
)
"""Providers at which anybody may have an address; two different ones there are told apart, while a
second address from work is to be expected."""


def canonical(folded: str) -> str | None:
    """The address in comparable form; None where it is no address or a filler."""
    address = CLEAN(folded)
    user, domain = USER(address), DOMAIN(address)
    if not ADDRESS(address) or USER_FILLS(user) or one_character(user):
        return None
    return f"{NO_DOTS(user)}@{domain}" if domain in DOT_BLIND else address


def personal(address: str) -> bool:
    """False for a relay or a desk: two different ones then contradict nothing."""
    return not RELAY(DOMAIN(address)) and not ROLE(USER(address))


def canonical_query(source: str) -> str:
    """`canonical` and `personal` as a query: (raw, value, personal) for each raw of the relation,
    values that are none left out.
    """
    blind = ", ".join(map(literal, DOT_BLIND))
    return f"""
        with cleaned as (select raw, case when {CLEAN_ALREADY.sql("raw")}
                and not ends_with(raw, {literal(NAMED_TWICE)}) then raw
                else {CLEAN.sql("raw")} end as address from {source}),
        parts as (
            select raw, address, split_part(address, '@', 1) as local,
                split_part(address, '@', 2) as domain
            from cleaned where {ADDRESS.sql("address")}),
        known as (
            select raw, local, domain,
                case when domain in ({blind}) then {NO_DOTS.sql("local")} || '@' || domain
                    else address end as value
            from parts where not {USER_FILLS.sql("local")} and not {one_character_sql("local")})
        select raw, value, not {RELAY.sql("domain")} and not {ROLE.sql("local")} as personal
        from known"""
