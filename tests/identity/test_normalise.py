"""The batch form and the live form say the same, and both say what a person would."""

from dataclasses import fields

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from identity.normalise import LISTS, TEXTS, Person, RawPerson, normalise
from identity.normaliser import RAW_COLUMNS, BatchNormaliser
from identity.tables import load, run

ALPHABET = st.sampled_from([*"abcXYZ019 .,-+@_'()/#&\t", "é", "ß", "Ж", "王", "ﬁ", "\u0301", "İ"])
WORDS = st.sampled_from(
    """Mr;dr.;van;de la;O'Brien;Smith;josé;LUIS;Jr;Sr.;III;n/a;unknown;J.;x;Zhukov;flat 4;12b;
    street;Straße;st;ul.;c/;+44 7911 123456;07911 123456;(404) 354-8270;ext 12;0049 30 901820;
    a.b+tag@gmail.com;info@firma.de;1980-02-31;19800101;1/2/1980;SW1A 1AA;12345-6789;@anna;
    https://x.com/anna?s=1;GmbH;Inc.;Test;000000;1234567""".replace("\n    ", "").split(";")
)
TEXT = st.one_of(
    st.none(),
    st.text(ALPHABET, max_size=14),
    st.lists(WORDS, min_size=1, max_size=4).map(" ".join),
    st.lists(WORDS, min_size=2, max_size=3).map(", ".join),
)
SAID = st.one_of(
    st.text(ALPHABET, max_size=14), st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
)
RAW = st.builds(
    RawPerson,
    **{name: TEXT for name in TEXTS if name != "country"},
    country=st.sampled_from([None, "GB", "de", "US", "Germany", " ES "]),
    **{name: st.lists(SAID, max_size=3).map(tuple) for name in LISTS},
)


def batch(
    connection: duckdb.DuckDBPyConnection, raws: list[RawPerson], region: str
) -> list[Person]:
    connection.execute(f"create or replace table raw_people ({RAW_COLUMNS})").fetchall()
    load(
        connection,
        "said",
        uid=pa.array(range(len(raws)), pa.int64()),
        id=pa.array(map(str, range(len(raws))), pa.string()),
        **{name: pa.array([getattr(raw, name) for raw in raws], pa.string()) for name in TEXTS},
        **{
            name: pa.array([list(getattr(raw, name)) for raw in raws], pa.list_(pa.string()))
            for name in LISTS
        },
    )
    run(connection, "insert into raw_people by name select 'crm' as system, * from said")
    BatchNormaliser(connection, {"crm": region}).run()
    columns = [column.name for column in fields(Person)]
    rows = connection.table("people").order("uid").select(", ".join(columns)).fetchall()
    return [
        Person(
            **{n: tuple(v) if isinstance(v, list) else v for n, v in zip(columns, row, strict=True)}
        )
        for row in rows
    ]


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(RAW, min_size=60, max_size=60))
def test_batch_and_live_agree(raws: list[RawPerson]) -> None:
    with duckdb.connect() as connection:
        assert batch(connection, raws, "GB") == [normalise(raw, "GB") for raw in raws]


@pytest.mark.parametrize(
    ("written", "given_name", "family"),
    [
        ("Wood, Stephanie", "stephanie", "wood"),
        ("Mr Dylan Hollsland", "dylan", "hollsland"),
        ("Elizabeth J. Mcdowell", "elizabeth", "mcdowell"),
        ("A Wright", "a", "wright"),
        ("Hsin A", "hsin", "a"),
        ("José Luis Ricart Bellido", "jose", "bellido"),
        ("Ludwig van Beethoven", "ludwig", "beethoven"),
        ("O'Brien, Seán", "sean", "obrien"),
        ("Ronald Marlenbury Jr", "ronald", "marlenbury"),
        ("Marlenbury, Ronald, Jr.", "ronald", "marlenbury"),
        ("Жуков Иван", "zhukov", "ivan"),
        ("derek_howard", "derek", "howard"),
        ("Mrs Howard", None, "howard"),
        ("Alice", "alice", None),
    ],
)
def test_a_full_name_is_taken_apart(
    written: str, given_name: str | None, family: str | None
) -> None:
    person = normalise(RawPerson(full_name=written))
    assert (person.given, person.family) == (given_name, family)


@pytest.mark.parametrize(
    "written",
    ["VISITOR 42695", "Caller (646) 265-2574", "Test Test", "unknown", "n/a", "xxxx", "---",
     "anna@x.org", "swinershaw_75847", "Guest User", "No Name"],
)  # fmt: skip
def test_what_names_nobody_is_no_name(written: str) -> None:
    person = normalise(RawPerson(full_name=written))
    assert person.given is None
    assert person.family is None


def test_generation_is_kept_apart_from_the_name() -> None:
    father = normalise(RawPerson(full_name="Ronald Marlenbury Sr"))
    son = normalise(RawPerson(given_name="Ronald", family_name="Marlenbury Jr."))
    assert (father.family, father.generation) == ("marlenbury", "senior")
    assert (son.family, son.generation) == ("marlenbury", "junior")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Derek.Howard+shop@GMail.com", "derekhoward@gmail.com"),
        ("derek.howard@googlemail.com", "derekhoward@gmail.com"),
        ("Derek Howard <derek.howard@outlook.com>", "derek.howard@outlook.com"),
        ("mailto:a.b+c@proton.me", "a.b@proton.me"),
        ("a.lovelace@gmail,com", "alovelace@gmail.com"),
        ("noemail@nomail.com", None),
        ("test@acme.com", None),
        ("n/a", None),
        ("aaa@bbb.com", None),
    ],
)
def test_an_address_has_one_form(written: str, expected: str | None) -> None:
    assert normalise(RawPerson(emails=(written,))).emails == ((expected,) if expected else ())


def test_relays_and_desks_are_kept_but_speak_for_no_person() -> None:
    person = normalise(RawPerson(emails=("x81@relay.shop.net", "accounts@firm.io", "ann@firm.io")))
    assert person.email == "ann@firm.io"
    assert len(person.emails) == 3


@pytest.mark.parametrize(
    ("written", "region", "key"),
    [
        ("07911 123456", "GB", "7911123456"),
        ("+44 (0)7911 123456", None, "7911123456"),
        ("0044 7911 123456", None, "7911123456"),
        ("07911123456", None, "7911123456"),
        ("(404) 354-8270 ext 43", "US", "4043548270"),
        ("+1 404 354 8270", "GB", "4043548270"),
        ("0000000000", "US", None),
        ("1234567890", "US", None),
        ("n/a", "US", None),
    ],
)
def test_a_number_has_one_key_in_every_form(
    written: str, region: str | None, key: str | None
) -> None:
    assert normalise(RawPerson(phones=(written,)), region).phone == key


def test_the_country_of_the_record_reads_its_numbers_before_the_default() -> None:
    person = normalise(RawPerson(phones=("0151 23456789",), country="DE"), "GB")
    assert (person.phone, person.phone_kind) == ("15123456789", "mobile")


@pytest.mark.parametrize(
    ("written", "house", "street"),
    [
        ("Flat 40, 122 Victoria Ln", "122", "victoria"),
        ("122 Victoria Lane Flat 40", "122", "victoria"),
        ("4296 Church Street #10", "4296", "church"),
        ("Gotthardstr. 176 /58", "176", "gotthard"),
        ("Gotthardstraße 176", "176", "gotthard"),
        ("C/ Murcia 97", "97", "murcia"),
        ("ul. Nowicki 119 /36", "119", "nowicki"),
        ("Oak Rise Flat 2", None, "oak"),
    ],
)
def test_a_street_has_one_form(written: str, house: str | None, street: str) -> None:
    person = normalise(RawPerson(street=written))
    assert (person.house, person.street) == (house, street)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1984-03-02", "19840302"),
        ("19840302", "19840302"),
        ("2/3/1984", "19840302"),
        ("1984-03-02T00:00:00", "19840302"),
        ("1840-13-41", "18401341"),
        ("1900-01-01", None),
        ("0000-00-00", None),
        ("unknown", None),
    ],
)
def test_a_birth_date_is_eight_digits(written: str, expected: str | None) -> None:
    assert normalise(RawPerson(birth_date=written)).birth_date == expected


def test_short_forms_share_a_root_with_the_full_name() -> None:
    def roots(name: str) -> set[str]:
        return set(normalise(RawPerson(given_name=name)).given_roots)

    assert roots("Bob") & roots("Robert")
    assert roots("Kasia") & roots("Katarzyna")
    assert roots("Pepe") & roots("José")
    assert not roots("Mary") & roots("Robert")


@pytest.mark.parametrize(
    ("one", "other"), [("Zhukov", "Joukov"), ("Qureshi", "Quraishi"), ("Hussein", "Husain")]
)
def test_spellings_of_one_name_share_a_skeleton(one: str, other: str) -> None:
    left, right = (normalise(RawPerson(family_name=name)).family_skeleton for name in (one, other))
    assert left == right
