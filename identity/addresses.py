"""Street, house number and postcode in the form in which two addresses are compared."""

from dataclasses import dataclass

from identity.rules import Extract, Rewrite, one_of, words

UNIT_WORDS = one_of(
    words("""
    flat apt apartment unit suite ste room rm floor fl wohnung whg piso pta puerta appt
    appartement lok lokal mieszkanie bus box interno int apto""")
)
TYPES = one_of(
    words("""
    street st road rd avenue ave av lane ln drive dr court ct place pl boulevard blvd close cl
    crescent cres cr square sq terrace ter terr way gardens gdns garden grove gr park pk highway hwy
    parkway pkwy circle cir trail trl mews row rise hill green walk loop crossing xing alley
    calle c avenida avda avd plaza plza pza paseo pso camino ronda carrer via carretera ctra rua
    travessa ulica ul aleja al aleje os osiedle plac strasse str weg platz allee gasse ring damm
    ufer rue chemin impasse quai cours viale corso piazza vicolo straat laan""")
)

WORDS = Rewrite(
    (
        (r"#", " unit "),
        (r"[^a-z0-9/]+", " "),
        (r"(?:strasse|str)( |$)", r" str\1"),
        (rf"(?:^| ){UNIT_WORDS} ?[0-9]*[a-z]?(?: |$)", " "),
        (r" *(?:/|//) *[0-9]*[a-z]?( |$)", r" \1"),
        (r"/", " "),
        (r"([0-9]) ([a-z])( |$)", r"\1\2\3"),
        (r" +", " "),
    )
)
"""Words without the flat: it is written in one row and missing in the next."""
NUMBER = Extract("(?:^| )([0-9]+)[a-z]?(?: |$)")
NAME = Rewrite(
    (
        (r"(?:^| )[0-9]+[a-z]?( |$)", r"\1"),
        (r"^(.*)$", r" \1 "),
        (rf"(?: (?:{TYPES}|de|la|del|los|las|der|den|the|of|le|du|des))+ ", " "),
        (r" +", " "),
    )
)
"""The words that tell one street from another; number and kind of street left out."""

ONLY_LETTERS = Rewrite(((r"[^a-z ]", ""), (r" +", " ")))
"""Streets named by their kind alone (The Avenue, High Street) keep it."""
POSTCODE = Rewrite(((r"[^a-z0-9]", ""), (r"^([0-9]{5})[0-9]{4}$", r"\1")))
"""Letters and digits; the last four of ZIP+4 go."""
CITY = Rewrite(
    (
        (r"[^a-z]+", " "),
        (r"^ +", ""),
        (r"^(?:st|saint) ", "saint "),
    )
)


@dataclass(frozen=True, slots=True)
class Street:
    """Empty where not said."""

    name: str = ""
    number: str = ""


def street(folded: str) -> Street:
    text = WORDS(folded)
    return Street(NAME(text) or ONLY_LETTERS(text), NUMBER(text))


def street_query(source: str) -> str:
    """`street` as a query: (raw, name, number) for each raw of the relation."""
    return f"""
        with words as (select raw, {WORDS.sql("raw")} as words from {source})
        select raw, coalesce(nullif({NAME.sql("words")}, ''), {ONLY_LETTERS.sql("words")}) as name,
            {NUMBER.sql("words")} as number from words"""
