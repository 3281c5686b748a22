"""The normaliser of batch: what normalise.py makes of a record, of a whole table.

It works on distinct values and in SQL; only what no SQL can do (transliteration, numbering plans)
runs in Python, once per distinct value that needs it.
"""

import duckdb
import pyarrow as pa

from identity import addresses, emails, fields, names, phones
from identity.letters import SPACES, fold
from identity.nicknames import roots
from identity.normalise import TEXTS
from identity.rules import literal
from identity.tables import load
from identity.workers import Workers

RAW_COLUMNS = """uid bigint, system varchar, id varchar, account_number varchar, full_name varchar,
    given_name varchar, family_name varchar, emails varchar[], phones varchar[], handles varchar[],
    street varchar, city varchar, region varchar, postcode varchar, country varchar,
    birth_date varchar, company varchar"""
"""The table `raw_people` that batch starts from; `uid` numbers the records from 0."""


CODES = {
    "account_number": fields.code_sql(fields.ACCOUNT, "raw"),
    "postcode": fields.code_sql(addresses.POSTCODE, "raw"),
    "city": fields.code_sql(addresses.CITY, "raw"),
    "company": fields.code_sql(fields.COMPANY, "raw"),
    "birth_date": fields.birth_date_sql("raw"),
}
NUMBERS_A_JOB = 20_000


class BatchNormaliser:
    """Turns the table `raw_people` of a connection into `people` (see Person), one row per uid."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        default_regions: dict[str, str] | None = None,
        workers: Workers | None = None,
    ) -> None:
        """`default_regions`: system -> region for phone numbers of records without a country."""
        self._connection = connection
        self._regions = default_regions or {}
        self._workers = workers or Workers(1)

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
        plain = ", ".join(f"{_plain(f'p.{name}')} as {name}" for name in TEXTS)
        columns = ", ".join(f"{_folded(f'p.{name}', f'f_{name}')} as {name}" for name in TEXTS)
        joins = " ".join(
            f"left join folds as f_{name} on f_{name}.raw = p.{name}" for name in TEXTS
        )
        other = " or ".join(f"strlen({name}) <> length({name})" for name in TEXTS)
        self._run(f"""create or replace temp table texts as
            with told as (select *, coalesce({other}, false) as other from raw_people)
            select uid, {plain} from told as p where not other
            union all select uid, {columns} from told as p {joins} where other""")

    def _learn_folds(self, raws: str) -> None:
        """`folds`: what becomes of each distinct value that is not plain ASCII."""
        rows = self._connection.execute(
            f"select distinct raw from ({raws}) where strlen(raw) <> length(raw)"
        ).fetchall()
        values = [value for (value,) in rows]
        self._load("folds", {"raw": values, "folded": [fold(value) for value in values]})

    def _load(self, table: str, columns: dict[str, list[str]]) -> None:
        arrays = {name: pa.array(values, pa.string()) for name, values in columns.items()}
        load(self._connection, table, **arrays)

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
            select spread.uid, place, case when {phones.DECORATED.sql("spread.raw")}
                    then regexp_replace(spread.raw, {literal(phones.DECORATION)}, '', 'g')
                    else spread.raw end as raw,
                coalesce(case when regexp_full_match(trim(p.country), '[A-Za-z]{{2}}')
                    then upper(trim(p.country)) else {default} end, '') as region
            from spread join raw_people as p using (uid)""")
        self._learn_numbers()
        self._run("""create or replace temp table own_phones as select uid,
            arg_min(value, place) as phone, arg_min(kind, place) as phone_kind,
            list_sort(list_distinct(list(value))) as phones
            from dialled join numbers using (raw, region) group by uid""")

    def _learn_numbers(self) -> None:
        """`numbers`: each distinct (raw, region) with its key and kind, fillers left out."""
        dialled = self._connection.execute(
            "select distinct raw, region from dialled order by all"
        ).fetchall()
        jobs = [dialled[at : at + NUMBERS_A_JOB] for at in range(0, len(dialled), NUMBERS_A_JOB)]
        found = self._workers.map(phones.numbers, jobs, worthwhile=len(jobs) > 2)
        rows = [
            (raw, region, *phone)
            for job, known in zip(jobs, found, strict=True)
            for (raw, region), phone in zip(job, known, strict=True)
            if phone
        ]
        columns = list(zip(*rows, strict=True)) or [()] * 4
        names = ("raw", "region", "value", "kind")
        self._load("numbers", dict(zip(names, map(list, columns), strict=True)))

    def _identify_handles(self) -> None:
        self._spread("handles")
        value = fields.code_sql(fields.HANDLE, "raw")
        self._run(f"""create or replace temp table own_handles as
            select uid, list_sort(list_distinct(list(value))) as handles from (
                select uid, {value} as value from spread) where value <> '' group by uid""")

    def _learn_codes(self) -> None:
        """`code_<column>`: what becomes of each distinct text of the smaller fields."""
        for column, value in CODES.items():
            self._run(f"""create or replace temp table code_{column} as
                select raw, nullif({value}, '') as value from (
                    select distinct {column} as raw from texts where {column} is not null)""")

    def _learn_sounds(self) -> None:
        """`sounds`: how each distinct name part sounds."""
        self._run(f"""create or replace temp table sounds as select part,
            nullif({names.SOUND.sql("part")}, '') as sound,
            nullif({names.SKELETON.sql("part")}, '') as skeleton
            from (select given as part from parsed_names union select family from parsed_names)""")

    def _assemble(self) -> None:
        self._learn_codes()
        self._learn_sounds()
        coded = " ".join(
            f"left join code_{name} as c_{name} on c_{name}.raw = t.{name}" for name in CODES
        )
        self._run(f"""create or replace table people as
            select p.uid, p.system, p.id, c_account_number.value as account,
            nullif(n.given, '') as given,
            case when n.given <> '' then coalesce(string_split(r.roots, ' '), [n.given]) else [] end
                as given_roots,
            coalesce(r.initials, nullif(n.given[1], '')) as given_initials,
            g.sound as given_sound, g.skeleton as given_skeleton,
            nullif(n.family, '') as family, coalesce(n.families, []) as families,
            f.sound as family_sound, f.skeleton as family_skeleton,
            nullif(n.generation, '') as generation,
            e.email, coalesce(e.emails, []) as emails,
            o.phone, nullif(o.phone_kind, '') as phone_kind, coalesce(o.phones, []) as phones,
            coalesce(h.handles, []) as handles,
            nullif(s.name, '') as street, nullif(s.number, '') as house,
            c_postcode.value as postcode, c_city.value as city,
            nullif(trim(t.country, ' '), '') as country,
            c_birth_date.value as birth_date, c_company.value as company
            from raw_people as p join texts as t using (uid) {coded}
            left join parsed_names as n on n.raw_full is not distinct from t.full_name
                and n.raw_given is not distinct from t.given_name
                and n.raw_family is not distinct from t.family_name
            left join nickname_roots as r on r.name = n.given
            left join sounds as g on g.part = n.given left join sounds as f on f.part = n.family
            left join parsed_streets as s on s.raw = t.street
            left join own_emails as e on e.uid = p.uid left join own_phones as o on o.uid = p.uid
            left join own_handles as h on h.uid = p.uid""")
        for table in self._left_over():
            self._run(f"drop table {table}")

    def _left_over(self) -> list[str]:
        """What nobody reads any more."""
        return ["texts", "spread", "dialled", "numbers", "folds", "full_names", "parsed_names",
                "raw_streets", "parsed_streets", "sounds", "own_emails", "own_phones",
                "own_handles", *(f"code_{column}" for column in CODES)]  # fmt: skip


def _plain(name: str) -> str:
    """What letters.fold makes of a column that is ASCII."""
    spaces = "".join(f"chr({code}) || " for code in SPACES).removesuffix(" || ")
    return f"translate(lower({name}), {spaces}, '{' ' * len(SPACES)}')"


def _folded(name: str, folds: str) -> str:
    """A column folded: as `folds` says, by SQL where that does not know it."""
    return f"coalesce({folds}.folded, {_plain(name)})"
