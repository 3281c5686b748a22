"""One normaliser in two forms: a record for live, a table for batch. A property test holds them to
the same answer.

Batch works on distinct values and in SQL; only what no SQL can do (transliteration, numbering
plans) runs in Python, once per distinct value that needs it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import duckdb

from identity import addresses, emails, fields, names, phones
from identity.letters import SPACES, fold
from identity.nicknames import roots, roots_of
from identity.rules import literal

TEXTS = ("account_number", "full_name", "given_name", "family_name", "street", "city", "postcode",
         "country", "birth_date", "company")  # fmt: skip
LISTS = ("emails", "phones", "handles")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPerson:
    """A record as its system wrote it. `country` is ISO 3166 alpha-2 where the system says so."""

    account_number: str | None = field(default=None, repr=False)
    full_name: str | None = field(default=None, repr=False)
    given_name: str | None = field(default=None, repr=False)
    family_name: str | None = field(default=None, repr=False)
    emails: tuple[str, ...] = field(default=(), repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    handles: tuple[str, ...] = field(default=(), repr=False)
    street: str | None = field(default=None, repr=False)
    city: str | None = field(default=None, repr=False)
    postcode: str | None = field(default=None, repr=False)
    country: str | None = field(default=None, repr=False)
    birth_date: str | None = field(default=None, repr=False)
    company: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A record in comparable form. None and () mean not said, or said by a filler.

    Lists are sorted and hold every identifier; the singular is the first one its owner alone
    would use (`email`: no relay and no desk). Phones are keys (see phones.Phone). `street` leaves
    out number and kind.
    """

    account: str | None = field(default=None, repr=False)
    given: str | None = field(default=None, repr=False)
    given_roots: tuple[str, ...] = field(default=(), repr=False)
    given_initials: str | None = field(default=None, repr=False)
    given_sound: str | None = field(default=None, repr=False)
    given_skeleton: str | None = field(default=None, repr=False)
    family: str | None = field(default=None, repr=False)
    families: tuple[str, ...] = field(default=(), repr=False)
    family_sound: str | None = field(default=None, repr=False)
    family_skeleton: str | None = field(default=None, repr=False)
    generation: str | None = None
    email: str | None = field(default=None, repr=False)
    emails: tuple[str, ...] = field(default=(), repr=False)
    phone: str | None = field(default=None, repr=False)
    phone_kind: str | None = None
    phones: tuple[str, ...] = field(default=(), repr=False)
    handles: tuple[str, ...] = field(default=(), repr=False)
    street: str | None = field(default=None, repr=False)
    house: str | None = field(default=None, repr=False)
    postcode: str | None = field(default=None, repr=False)
    city: str | None = field(default=None, repr=False)
    country: str | None = None
    birth_date: str | None = field(default=None, repr=False)
    company: str | None = field(default=None, repr=False)


def phone_region(country: str | None, default: str | None) -> str | None:
    """The region that reads a national number: the record's country where it is a code."""
    code = (country or "").strip().upper()
    return code if len(code) == 2 and code.isalpha() and code.isascii() else default


def normalise(raw: RawPerson, default_region: str | None = None) -> Person:
    """The live form. `default_region` reads phone numbers of records without a country code."""
    said = {name: fold(getattr(raw, name) or "") for name in TEXTS}
    name = names.parse(said["full_name"], said["given_name"], said["family_name"])
    addresses_of = [a for a in map(emails.canonical, map(fold, raw.emails)) if a]
    region = phone_region(raw.country, default_region)
    numbers = [n for n in (phones.canonical(fold(text), region) for text in raw.phones) if n]
    handles = {fields.code(fields.HANDLE, fold(text)) for text in raw.handles} - {""}
    street = addresses.street(said["street"])
    return Person(
        account=fields.code(fields.ACCOUNT, said["account_number"]) or None,
        given=name.given or None,
        given_roots=roots_of(name.given),
        given_initials="".join(sorted({root[0] for root in roots_of(name.given)})) or None,
        given_sound=names.SOUND(name.given) or None,
        given_skeleton=names.SKELETON(name.given) or None,
        family=name.family or None,
        families=name.families,
        family_sound=names.SOUND(name.family) or None,
        family_skeleton=names.SKELETON(name.family) or None,
        generation=name.generation or None,
        email=next(filter(emails.personal, addresses_of), None),
        emails=tuple(sorted(set(addresses_of))),
        phone=numbers[0].key if numbers else None,
        phone_kind=(numbers[0].kind or None) if numbers else None,
        phones=tuple(sorted({number.key for number in numbers})),
        handles=tuple(sorted(handles)),
        street=street.name or None,
        house=street.number or None,
        postcode=fields.code(addresses.POSTCODE, said["postcode"]) or None,
        city=fields.code(addresses.CITY, said["city"]) or None,
        country=said["country"].strip(" ") or None,
        birth_date=fields.birth_date(said["birth_date"]) or None,
        company=fields.code(fields.COMPANY, said["company"]) or None,
    )


RAW_COLUMNS = """uid bigint, system varchar, id varchar, account_number varchar, full_name varchar,
    given_name varchar, family_name varchar, emails varchar[], phones varchar[], handles varchar[],
    street varchar, city varchar, region varchar, postcode varchar, country varchar,
    birth_date varchar, company varchar"""
"""The table `raw_people` that batch starts from; `uid` numbers the records from 0."""


class BatchNormaliser:
    """Turns the table `raw_people` of a connection into `people` (see Person), one row per uid."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, default_regions: dict[str, str] | None = None
    ) -> None:
        """`default_regions`: system -> region for phone numbers of records without a country."""
        self._connection = connection
        self._regions = default_regions or {}

    def run(self) -> None:
        self._fold_texts()
        self._name()
        self._locate()
        self._identify_emails()
        self._identify_phones()
        self._identify_handles()
        self._assemble()

    def _run(self, statement: str) -> None:
        self._connection.execute(statement).fetchall()

    def _fold_texts(self) -> None:
        """`texts`: the text columns of each record, folded; null where not said."""
        self._learn_folds(
            " union all ".join(f"select {name} as raw from raw_people" for name in TEXTS)
        )
        columns = ", ".join(f"{_folded(name)} as {name}" for name in TEXTS)
        joins = " ".join(
            f"left join folds as f_{name} on f_{name}.raw = p.{name}" for name in TEXTS
        )
        self._run(
            f"create or replace temp table texts as select uid, {columns} "
            f"from raw_people as p {joins}"
        )

    def _learn_folds(self, raws: str) -> None:
        """`folds`: what becomes of each distinct value that is not plain ASCII."""
        rows = self._connection.execute(
            f"select distinct raw from ({raws}) where strlen(raw) <> length(raw)"
        ).fetchall()
        values = [value for (value,) in rows]
        self._load("folds", {"raw": values, "folded": [fold(value) for value in values]})

    def _load(self, table: str, columns: dict[str, list[str]]) -> None:
        selected = ", ".join(f"unnest(?::varchar[]) as {name}" for name in columns)
        self._connection.execute(
            f"create or replace temp table {table} as select {selected}", list(columns.values())
        ).fetchall()

    def _name(self) -> None:
        self._run("""create or replace temp table full_names as select distinct
            full_name as raw_full, given_name as raw_given, family_name as raw_family from texts
            where coalesce(full_name, given_name, family_name) is not null""")
        self._run(f"create or replace temp table parsed_names as {names.parse_query('full_names')}")
        listed = roots()
        self._load(
            "nickname_roots",
            {
                "name": list(listed),
                "roots": [" ".join(found) for found in listed.values()],
                "initials": ["".join(sorted({n[0] for n in found})) for found in listed.values()],
            },
        )

    def _locate(self) -> None:
        self._run("""create or replace temp table raw_streets as
            select distinct street as raw from texts where street is not null""")
        query = addresses.street_query("raw_streets")
        self._run(f"create or replace temp table parsed_streets as {query}")

    def _spread(self, name: str) -> None:
        """`spread`: (uid, place, written, raw), an identifier a row; `raw` is folded."""
        self._learn_folds(f"select unnest({name}) as raw from raw_people")
        self._run(f"""create or replace temp table spread as
            select uid, place, written, {_folded("written", "f")} as raw from (
                select uid, unnest({name}) as written, generate_subscripts({name}, 1) as place
                from raw_people) left join folds as f on f.raw = written
            where written is not null""")

    def _identify_emails(self) -> None:
        self._spread("emails")
        known = emails.canonical_query("(select distinct raw from spread)")
        self._run(f"""create or replace temp table own_emails as select uid,
            arg_min(value, place) filter (personal) as email,
            list_sort(list_distinct(list(value))) as emails
            from spread join ({known}) using (raw) group by uid""")

    def _identify_phones(self) -> None:
        self._spread("phones")
        defaults = " ".join(
            f"when {literal(system)} then {literal(region)}"
            for system, region in sorted(self._regions.items())
        )
        default = f"case p.system {defaults} end" if defaults else "null"
        self._run(f"""create or replace temp table dialled as
            select spread.uid, place, spread.raw, case
                when regexp_full_match(trim(p.country), '[A-Za-z]{{2}}') then upper(trim(p.country))
                else {default} end as region from spread join raw_people as p using (uid)""")
        self._load("numbers", _numbers(self._connection.execute(
            "select distinct raw, region from dialled order by all").fetchall()))  # fmt: skip
        self._run("""create or replace temp table own_phones as select uid,
            arg_min(value, place) as phone, arg_min(kind, place) as phone_kind,
            list_sort(list_distinct(list(value))) as phones
            from dialled join numbers on numbers.raw = dialled.raw
                and numbers.region = coalesce(dialled.region, '') group by uid""")

    def _identify_handles(self) -> None:
        self._spread("handles")
        value = fields.code_sql(fields.HANDLE, "raw")
        self._run(f"""create or replace temp table own_handles as
            select uid, list_sort(list_distinct(list(value))) as handles from (
                select uid, {value} as value from spread) where value <> '' group by uid""")

    def _assemble(self) -> None:
        self._run(f"""create or replace table people as
            select p.uid, p.system, p.id,
            nullif({fields.code_sql(fields.ACCOUNT, "t.account_number")}, '') as account,
            nullif(n.given, '') as given,
            case when n.given <> '' then coalesce(string_split(r.roots, ' '), [n.given]) else [] end
                as given_roots,
            coalesce(r.initials, nullif(n.given[1], '')) as given_initials,
            nullif({names.SOUND.sql("n.given")}, '') as given_sound,
            nullif({names.SKELETON.sql("n.given")}, '') as given_skeleton,
            nullif(n.family, '') as family, coalesce(n.families, []) as families,
            nullif({names.SOUND.sql("n.family")}, '') as family_sound,
            nullif({names.SKELETON.sql("n.family")}, '') as family_skeleton,
            nullif(n.generation, '') as generation,
            e.email, coalesce(e.emails, []) as emails,
            f.phone, nullif(f.phone_kind, '') as phone_kind, coalesce(f.phones, []) as phones,
            coalesce(h.handles, []) as handles,
            nullif(s.name, '') as street, nullif(s.number, '') as house,
            nullif({fields.code_sql(addresses.POSTCODE, "t.postcode")}, '') as postcode,
            nullif({fields.code_sql(addresses.CITY, "t.city")}, '') as city,
            nullif(trim(t.country, ' '), '') as country,
            nullif({fields.birth_date_sql("t.birth_date")}, '') as birth_date,
            nullif({fields.code_sql(fields.COMPANY, "t.company")}, '') as company
            from raw_people as p join texts as t using (uid)
            left join parsed_names as n on n.raw_full is not distinct from t.full_name
                and n.raw_given is not distinct from t.given_name
                and n.raw_family is not distinct from t.family_name
            left join nickname_roots as r on r.name = n.given
            left join parsed_streets as s on s.raw = t.street
            left join own_emails as e on e.uid = p.uid left join own_phones as f on f.uid = p.uid
            left join own_handles as h on h.uid = p.uid""")


def _folded(name: str, folds: str = "") -> str:
    """A column folded: by SQL where it is ASCII, else as `folds` says."""
    spaces = "".join(f"chr({code}) || " for code in SPACES).removesuffix(" || ")
    plain = f"translate(lower({name if folds else 'p.' + name}), {spaces}, '{' ' * len(SPACES)}')"
    return f"coalesce({folds or 'f_' + name}.folded, {plain})"


def _numbers(dialled: Iterable[tuple[str, str | None]]) -> dict[str, list[str]]:
    """Each distinct (raw, region) with its number and kind, fillers left out."""
    columns: dict[str, list[str]] = {"raw": [], "region": [], "value": [], "kind": []}
    for raw, region in dialled:
        phone = phones.canonical(raw, region)
        if phone:
            values = (raw, region or "", phone.key, phone.kind)
            for column, value in zip(columns.values(), values, strict=True):
                column.append(value)
    return columns
