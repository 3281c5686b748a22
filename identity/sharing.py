"""Values that more than one person uses, found from the data: a family's landline, a desk's
mailbox, a hotline.

The measure is how many different people a value is seen with, judged by given names that cannot be
one name (no nickname, initial, spelling or swap). A value of one person is proof; one of a few
people places two records in one household; one of many says nothing and stops blocking.
"""

from typing import TYPE_CHECKING

from identity import emails
from identity.comparisons import ONE_NAME, OTHER_BIRTH_DATE, sided
from identity.rules import literal

if TYPE_CHECKING:
    import duckdb

KINDS = {"email": "emails", "phone": "phones", "handle": "handles", "account": "accounts"}
JUDGED_BY_NAMES = ("email", "phone")
"""Whole households use one of these. An account or a handle has one owner, whose name may be wrong;
only where very many names use it does it stop being proof."""
PUBLIC_USERS = 7
"""From here on a value is nobody's: more people than a household has."""
MANY_NAMES = 60
"""Values seen with more names than this are public without comparing each name with each."""
KNOWN_SHARE, KNOWN_COUNT = 1e-4, 5
"""A name borne by this share of the records, and by so many, is a name and no typing error."""

NAME_COLUMNS = "given, given_roots, given_sound, given_skeleton, given_known, " \
    "given_initials, family, families, family_sound, family_skeleton, family_known, " \
    "generation, birth_date"  # fmt: skip
_DESK = emails.ROLE.sql(emails.USER.sql("value"))


def judge(connection: "duckdb.DuckDBPyConnection") -> None:
    """Writes `value_users` (kind, value, users) for every value used by two people or more,
    `known_names` (part, name), and from the identifiers of namesakes `name_bearers` (given, family,
    bearers) and `name_persons` (uid, name_person); all from `people`.
    """
    uses = " union all ".join(
        f"select '{kind}' as kind, unnest({values_of(kind)}) as value, {NAME_COLUMNS} from named"
        for kind in KINDS
    )
    for statement in (
        _known_names(),
        f"""create or replace temp view named as select people.*,
            {known("given")} as given_known, {known("family")} as family_known from people""",
        f"""create or replace temp table holders as
            select distinct * from ({uses}) where value is not null""",
        """create or replace temp table suspects as select *, row_number() over () as holder from (
            select *, count(*) over (partition by kind, value) as names from holders
            where given is not null or family is not null) where names > 1""",
        f"""create or replace table value_users as
            select kind, value, max(users) as users from (
                select l.kind, l.value, 1 + count(*) as users
                from suspects as l join suspects as r using (kind, value)
                where l.holder <> r.holder and l.names <= {MANY_NAMES}
                    and (not {sided(ONE_NAME)} or l.generation <> r.generation
                        or {sided(OTHER_BIRTH_DATE)})
                group by l.kind, l.value, l.holder
                union all
                select kind, value, names from suspects where names > {MANY_NAMES} group by all
                union all
                select kind, value, 2 from holders where kind = 'email' and
                    ({_DESK} or {emails.FAMILY.sql(emails.USER.sql("value"))}
                    or starts_with(value, 'the' || family)))
            group by kind, value having kind in ({", ".join(map(literal, JUDGED_BY_NAMES))})
                or max(users) >= {PUBLIC_USERS}""",
        f"""update value_users set users = {PUBLIC_USERS} where kind = 'email' and {_DESK}
            and value in (select value from suspects where kind = 'email'
                group by value having count(distinct given) > 1)""",
        *_count_bearers(),
        *(f"drop table {table}" for table in ("holders", "suspects", "bearer_of")),
    ):
        connection.execute(statement).fetchall()


def _count_bearers() -> list[str]:
    """Records of one full name that share no identifier, directly or in three steps, are taken for
    different people; records without any identifier are not counted.
    """
    values = " union all ".join(
        f"select uid, '{kind}|' || unnest({values_of(kind)}) as value from people" for kind in KINDS
    )
    step = """create or replace temp table bearer_of as
        select uid, given, family, value, min(least) over (partition by uid) as person from (
            select *, min(person) over (partition by given, family, value) as least
            from bearer_of)"""
    return [
        f"""create or replace temp table bearer_of as
            select uid, given, family, value, uid as person from ({values}) join people using (uid)
            where value is not null and length(given) > 1 and length(family) > 1""",
        *([step] * 3),
        """create or replace temp table name_bearers as
            select given, family, count(distinct person) as bearers from bearer_of
            group by given, family""",
        """create or replace temp table name_persons as
            select uid, any_value(person) as name_person from bearer_of group by uid""",
    ]


def _known_names() -> str:
    listed = "select 'given' as part, name from nickname_roots where length(name) > 1"
    borne = " union all ".join(
        f"""select '{part}', {part} from people where length({part}) > 1 group by {part}
        having count(*) >= greatest({KNOWN_COUNT}, {KNOWN_SHARE} * (select count(*) from people))"""
        for part in ("given", "family")
    )
    return f"create or replace temp table known_names as {listed} union {borne}"


def known(part: str) -> str:
    """Whether a name part is a well known one."""
    return f"coalesce({part} in (select name from known_names where part = '{part}'), false)"


def values_of(kind: str) -> str:
    return "[account]" if kind == "account" else KINDS[kind]
