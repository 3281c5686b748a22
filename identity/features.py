"""The table that blocking and scoring read: people, with each identifier by how many use it."""

import duckdb

from identity.sharing import KINDS, PUBLIC_USERS


def build(connection: duckdb.DuckDBPyConnection) -> None:
    """Writes `features` from `people` and `value_users`, one row per uid."""
    split_names = ", ".join(f"{column}_own, {column}_shared" for column in KINDS.values())
    split = ", ".join(
        f"coalesce({column}_{use}, []) as {column}_{use}"
        for column in KINDS.values()
        for use in ("own", "shared")
    )
    connection.execute(f"""create or replace table features as
        with {", ".join(_by_use(kind, column) for kind, column in KINDS.items())},
        split as (select p.*, {split} from people as p
            {" ".join(f"left join {column}_by_use using (uid)" for column in KINDS.values())})
        select uid, given, given_roots, given_skeleton, family, families, family_skeleton,
            generation, birth_date, street, house, postcode, city, country, company, phone_kind,
            {split_names},
            case when list_contains(emails_own || emails_shared, email) then email end as email,
            case when list_contains(phones_own || phones_shared, phone) then phone end as phone,
            case when accounts_own <> [] then account end as account, handles_own as handles,
            split_part(email, '@', 1) as email_user
        from split""").fetchall()


def _by_use(kind: str, column: str) -> str:
    """A record's values of one kind: of one person, of a few; those of many are left out."""
    source = "[account]" if kind == "account" else column
    return f"""{column}_by_use as (select uid,
        list(value order by value) filter (users is null) as {column}_own,
        list(value order by value) filter (users < {PUBLIC_USERS}) as {column}_shared
        from (select uid, unnest({source}) as value from people)
        left join (select value, users from value_users where kind = '{kind}') using (value)
        where value is not null group by uid)"""
