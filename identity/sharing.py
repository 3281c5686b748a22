"""Values that more than one person uses, found from the data: a family's landline, a desk's
mailbox, a hotline.

The measure is how many different people a value is seen with, judged by given names that cannot be
one name (no nickname, initial, spelling or swap). A value of one person is proof; one of a few
people places two records in one household; one of many says nothing and stops blocking.
"""

import re

import duckdb

from identity import emails
from identity.comparisons import SAME_PERSON_NAME

KINDS = {"email": "emails", "phone": "phones", "handle": "handles", "account": "accounts"}
PUBLIC_USERS = 7
"""From here on a value is nobody's: more people than a household has."""
MANY_NAMES = 60
"""Values seen with more names than this are public without comparing each name with each."""


def judge(connection: duckdb.DuckDBPyConnection) -> None:
    """Writes `value_users` (kind, value, users) for every value used by two people or more, from
    `people`.
    """
    uses = " union all ".join(
        f"select '{kind}' as kind, unnest({_values(kind, column)}) as value, given, given_roots, "
        f"given_skeleton, family from people where given is not null or family is not null"
        for kind, column in KINDS.items()
    )
    for statement in (
        f"create or replace temp table holders as select distinct * from ({uses})",
        """create or replace temp table suspects as select *, row_number() over () as holder from (
            select *, count(*) over (partition by kind, value) as names from holders)
            where names > 1""",
        f"""create or replace table value_users as
            select kind, value, max(users) as users from (
                select l.kind, l.value, 1 + count(*) as users
                from suspects as l join suspects as r using (kind, value)
                where l.holder <> r.holder and l.names <= {MANY_NAMES}
                    and l.given is not null and r.given is not null
                    and not ({sided(SAME_PERSON_NAME)})
                group by l.kind, l.value, l.holder
                union all
                select kind, value, names from suspects where names > {MANY_NAMES} group by all
                union all
                select distinct 'email', value, 2 from (select unnest(emails) as value from people)
                where {emails.ROLE.sql(emails.USER.sql("value"))})
            group by kind, value""",
    ):
        connection.execute(statement).fetchall()


def _values(kind: str, column: str) -> str:
    return "[account]" if kind == "account" else column


def sided(condition: str) -> str:
    """A pair condition over `x_l`, `x_r` as one over `l.x`, `r.x`."""
    return re.sub(r"\b([a-z_]+)_([lr])\b", r"\2.\1", condition)
