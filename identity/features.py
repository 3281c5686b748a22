"""The table that blocking and scoring read: people, with each identifier by how many use it."""

import duckdb

from identity import emails
from identity.rules import literal
from identity.sharing import KINDS, PUBLIC_USERS, known, values_of


def build(connection: duckdb.DuckDBPyConnection) -> None:
    """Writes `features` from `people`, `value_users` and `known_names`, one row per uid."""
    names = ", ".join(f"{column}_own, {column}_shared" for column in KINDS.values())
    split = ", ".join(_split(kind, column) for kind, column in KINDS.items())
    connection.execute(f"""create or replace table features as
        with {", ".join(_by_use(kind, column) for kind, column in KINDS.items())},
        free as ({_free_domains()}),
        split as (select p.*, split_part(email, '@', 2) as domain,
            split_part(email, '@', 1) as mailbox,
            nullif(regexp_replace(mailbox, '[^a-z]', '', 'g'), '') as mailbox_letters, {split}
            from people as p
            {" ".join(f"left join {column}_by_use using (uid)" for column in KINDS.values())})
        select uid, system, given, given_roots, given_sound, given_skeleton,
            given_initials,
            {known("given")} as given_known,
            family, families, family_sound, family_skeleton, {known("family")} as family_known,
            coalesce(generation,
                case when ends_with(mailbox_letters, family || 'jr') then 'junior'
                    when ends_with(mailbox_letters, family || 'sr') then 'senior' end)
                as generation,
            birth_date, street, house, postcode, city, country, company, phone_kind,
            {names},
            case when list_contains(emails_own || emails_shared, email) then email end as email,
            case when email is not null then domain in (select domain from free) end as email_free,
            case when list_contains(phones_own || phones_shared, phone) then phone end as phone,
            case when accounts_own <> [] then account end as account, handles_own as handles,
            coalesce(bearers, 0) as name_bearers, name_person,
            domain as email_domain, mailbox as email_user, mailbox_letters as email_letters,
            coalesce(contains(mailbox_letters, given), false)
                or coalesce(contains(mailbox_letters, family), false)
                or coalesce(given, family) is null as email_named
        from split left join name_bearers using (given, family)
            left join name_persons using (uid)""").fetchall()


def _by_use(kind: str, column: str) -> str:
    """The values of one kind of those records that have one of more people: of one person, of a
    few; those of many are left out.
    """
    used = f"(select uid, unnest({values_of(kind)}) as value from people)"
    known = f"(select value, users from value_users where kind = '{kind}')"
    return f"""{column}_by_use as (select uid, true as {column}_judged,
        list(value order by value) filter (users is null) as {column}_own,
        list(value order by value) filter (users < {PUBLIC_USERS}) as {column}_shared
        from {used} semi join (select uid from {used} semi join {known} using (value)) using (uid)
        left join {known} using (value)
        where value is not null group by uid)"""


def _split(kind: str, column: str) -> str:
    """Both lists of a record; values are its own where nobody else is known to use them."""
    every = "if(account is null, [], [account])" if kind == "account" else column
    return f"""case when {column}_judged is null then {every}
            else coalesce({column}_own, []) end as {column}_own,
        coalesce({column}_shared, []) as {column}_shared"""


def _free_domains() -> str:
    """Where anybody gets an address: the large providers, and what many records use."""
    listed = ", ".join(f"({literal(domain)})" for domain in sorted(emails.FREE))
    return f"""select domain from (values {listed}) as listed(domain) union
        select split_part(email, '@', 2) from people where email is not null group by all
        having count(*) >= greatest(20, 0.005 * (select count(email) from people))"""
