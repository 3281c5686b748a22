"""Names of people: taken apart, cleared of what is no name, and reduced to what two spellings of
one name share.
"""

from dataclasses import dataclass

from identity.placeholders import NAMES_NOBODY, one_character, one_character_sql
from identity.rules import (
    Extract,
    Match,
    Rewrite,
    first_word,
    first_word_sql,
    last_word,
    last_word_sql,
    one_of,
    words,
)

HONORIFICS = one_of(
    words("""
    mr mrs ms miss mx dr prof sir dame lord lady rev reverend fr father hon capt captain col
    herr frau dipl ing mag monsieur madame mademoiselle mme mlle senor senora senorita sr sra srta
    don dona signor signora signorina dott pan pani dhr mevr mw esq""")
)
GENERATIONS = one_of(words("jr sr junior senior ii iii iv jnr snr"))
LETTERS_AFTER = one_of(words("phd md mba obe mbe cbe esq bsc msc ba ma dds rn cpa"))
PARTICLES = one_of(
    words("""
    van von vom zu zum zur de del della dello delle degli di da das do dos du des der den ter ten
    la le las los el al bin ibn ben abu y e i san santa saint st""")
)

PLAIN = Rewrite(
    (
        (rf", *({GENERATIONS})[.]?$", r" \1"),
        (r"\([^)]*\)|\[[^\]]*\]|\"[^\"]*\"", " "),
        (r"^([^,]+), *([^,]+)$", r"\2 \1"),
        (r"['`.]([a-z])", r"\1"),
        (r"[^a-z0-9]+", " "),
        (r"^ +", ""),
        (rf"^(?:{HONORIFICS} )+", ""),
        (r" +$", ""),
        (rf"(?: {LETTERS_AFTER})+$", ""),
    )
)
"""Comma forms turned round, O'Brien and J. closed up, titles and letters after the name dropped."""
GENERATION = Extract(rf" ({GENERATIONS})$")
NO_GENERATION = Rewrite(((rf"(?: {GENERATIONS})+$", ""),))
JUNIOR = Match("jr|jnr|junior|ii|iii|iv")
SENIOR = Match("sr|snr|senior")
TITLED = Match(rf"{HONORIFICS}[. ].*")
NOT_A_NAME = Match(r".*[0-9@/].*")

AFTER_FIRST = Rewrite(((r"^[^ ]* ?", ""),))
FAMILY = Rewrite(
    (
        (r"^(.*)$", r" \1 "),
        (rf" (?:{PARTICLES} )+", " "),
        (r"(?: [a-z])+ (.+)$", r" \1"),
        (r"^ +| +$", ""),
    )
)
"""Without particles and middle initials; a name of particles alone (Le, San) is left empty and
restored by the caller."""

_SINGLE = tuple((f"{letter}{letter}+", letter) for letter in "abcdefghijklmnopqrstuvwxyz")
_CONSONANTS = (
    (r"[^a-z]", ""),
    (r"^x|^hs", "s"),
    (r"x", "ks"),
    (r"ch([rl])", r"k\1"),
    (r"tsch|tch|cz|ch|sh|sch|zh|dj|dz|j", "j"),
    (r"ph|v|w", "f"),
    (r"kh|gh", "k"),
    (r"h", ""),
    (r"ck|c|q|g", "k"),
    (r"z", "s"),
)
SOUND = Rewrite(
    (
        *_CONSONANTS,
        (r"([lnst])([lnst])e$", r"\1\2a"),
        (r"([^aeiouy])e$", r"\1"),
        (r"(?:ey|ei|ay|ai|ee|ie|ii|iy|yi|y|i|e)+", "i"),
        (r"(?:ou|oo|eu|u|o)+", "u"),
        *_SINGLE,
    )
)
"""How a name sounds, roughly: Alexei and Alexey, Mohamed and Mohammed, Lee and Li. Feminine endings
stay (Paul and Paula, Daniel and Danielle)."""
SKELETON = Rewrite((*_CONSONANTS, *_SINGLE, (r"[aeiouy]", "")))
"""What is left of a name when vowels and the letters that scripts and languages spell differently
are evened out: Zhukov and Joukov, Qureshi and Quraishi, Haering and Hring."""


@dataclass(frozen=True, slots=True)
class Name:
    """`given` may be one letter; `family` is the last family word, `families` all of them.
    `generation` is junior, senior or empty. Empty means not said.
    """

    given: str = ""
    family: str = ""
    families: tuple[str, ...] = ()
    generation: str = ""


def plain(folded: str) -> str:
    """A name in words; empty where it is none (digits, fillers, one character over and over)."""
    text = PLAIN(folded)
    squeezed = text.replace(" ", "")
    if NOT_A_NAME(folded) or NAMES_NOBODY(text):
        return ""
    return "" if len(squeezed) > 1 and one_character(squeezed) else text


def parse(full: str, given: str, family: str) -> Name:
    """A name from folded fields; the separate ones win where they say anything."""
    full_text, given_text, family_text = plain(full), plain(given), plain(family)
    if given_text and not family_text and " " in given_text:
        full, full_text, given_text = given, given_text, ""
    body = NO_GENERATION(full_text)
    if not given_text and not family_text:
        alone = " " not in body
        given_text = "" if alone and TITLED(full) else first_word(body)
        family_text = (body if TITLED(full) else "") if alone else AFTER_FIRST(body)
    generation = GENERATION(full_text) or GENERATION(family_text)
    family_body = NO_GENERATION(family_text)
    family_words = FAMILY(family_body) or family_body
    return Name(
        given=first_word(NO_GENERATION(given_text)),
        family=last_word(family_words),
        families=tuple(word for word in family_words.split(" ") if len(word) > 1),
        generation=_generation(generation),
    )


def _generation(word: str) -> str:
    return "junior" if JUNIOR(word) else "senior" if SENIOR(word) else ""


def plain_sql(expression: str, text: str) -> str:
    """`plain` where `expression` is folded and `text` already went through PLAIN."""
    squeezed = f"replace({text}, ' ', '')"
    return f"""case when {expression} is null or {NOT_A_NAME.sql(expression)}
        or {NAMES_NOBODY.sql(text)}
        or (length({squeezed}) > 1 and {one_character_sql(squeezed)}) then '' else {text} end"""


def parse_query(source: str) -> str:
    """`parse` as a query over (raw_full, raw_given, raw_family), folded, null where not said;
    adds given, family, families and generation.
    """
    return f"""
        with cleaned as (
            select *, {PLAIN.sql("raw_full")} as full0, {PLAIN.sql("raw_given")} as given0,
                {PLAIN.sql("raw_family")} as family0 from {source}),
        known as (
            select * exclude (full0, given0, family0),
                {plain_sql("raw_full", "full0")} as full1,
                {plain_sql("raw_given", "given0")} as given1,
                {plain_sql("raw_family", "family0")} as family1 from cleaned),
        whole as (
            select * exclude (full1, given1, family1),
                given1 <> '' and family1 = '' and contains(given1, ' ') as in_given,
                case when in_given then raw_given else raw_full end as whole_raw,
                case when in_given then given1 else full1 end as whole_text,
                case when in_given then '' else given1 end as given1, family1 from known),
        split as (
            select * exclude (in_given, whole_raw, family1, given1),
                {NO_GENERATION.sql("whole_text")} as body,
                given1 = '' and family1 = '' as from_body,
                coalesce({TITLED.sql("whole_raw")}, false) as titled,
                not contains(body, ' ') as alone,
                case when not from_body then given1 when alone and titled then ''
                    else {first_word_sql("body")} end as given_text,
                case when not from_body then family1 when not alone then {AFTER_FIRST.sql("body")}
                    when titled then body else '' end as family_text from whole),
        bare as (
            select *, {NO_GENERATION.sql("given_text")} as given_body,
                {NO_GENERATION.sql("family_text")} as family_body,
                coalesce(nullif({GENERATION.sql("whole_text")}, ''),
                    {GENERATION.sql("family_text")}) as generation_word from split),
        cut as (
            select *, coalesce(nullif({FAMILY.sql("family_body")}, ''), family_body)
                as family_words from bare)
        select * exclude (whole_text, body, from_body, titled, alone, given_text, family_text,
                given_body, family_body, family_words, generation_word),
            {first_word_sql("given_body")} as given,
            {last_word_sql("family_words")} as family,
            list_filter(string_split(family_words, ' '), lambda word: length(word) > 1) as families,
            case when {JUNIOR.sql("generation_word")} then 'junior'
                when {SENIOR.sql("generation_word")} then 'senior' else '' end as generation
        from cut"""
