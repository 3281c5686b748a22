"""Which pairs are looked at: records that share a blocking key. Live keeps the same keys in an
index.
"""

import duckdb

MAX_BLOCK = 80
"""Keys of more records are dropped: they find few pairs that no finer key finds."""

KEYS = {
    "email": "list_transform(emails_own || emails_shared, lambda x: 'e|' || x)",
    "phone": "list_transform(phones_own || phones_shared, lambda x: 'p|' || x)",
    "handle": "list_transform(handles, lambda x: 'h|' || x)",
    "account": "['a|' || account]",
    "name": "['n|' || given || '|' || family]",
    "name by sound, in any order": """['so|' || least(given_sound, family_sound) || '|'
        || greatest(given_sound, family_sound)]""",
    "family name and initial": "['fi|' || family_skeleton || '|' || given[1]]",
    "birth date": "['b|' || birth_date]",
    "first names and birth year": "['gy|' || given_sound || '|' || birth_date[1:4]]",
    "address": "['s|' || street || '|' || coalesce(house, '') || '|' || coalesce(postcode, city)]",
    "postcode and given name": "['pg|' || postcode || '|' || given_sound]",
    "postcode and family name": "['pf|' || postcode || '|' || family_sound]",
    "user name of an address": """case when length(email_letters) > 7
        then ['ul|' || email_letters] end""",
    "name and postcode": "['np|' || family_skeleton || '|' || given[1] || '|' || postcode]",
    "name and city": "['nc|' || family || '|' || given || '|' || city]",
    "name and street": "['ns|' || street || '|' || coalesce(house, '') || '|' || given_skeleton]",
    "name and birth year": """['ny|' || given[1:3] || '|' || family_skeleton[1:3] || '|'
        || birth_date[1:4]]""",
    "birth date and given name": "['bg|' || birth_date || '|' || given_skeleton]",
    "birth date and family name": "['bf|' || birth_date || '|' || family_skeleton]",
    "birth date and postcode": "['bp|' || birth_date || '|' || postcode]",
    "mailbox name": "case when length(email_user) > 7 then ['u|' || email_user] end",
}
"""Each rule's keys of one record as a list over the columns of `features`; null parts, no key."""


def block(connection: duckdb.DuckDBPyConnection) -> int:
    """Writes `candidates` (join_key_l < join_key_r, match_key) from `features`; says how many."""
    listed = " union all ".join(
        f"select unnest({keys}) as key, uid from features" for keys in KEYS.values()
    )
    for statement in (
        f"""create or replace temp table block_keys as
            select key, uid from ({listed}) where key is not null group by all""",
        f"""create or replace temp table blocks as select key from block_keys group by key
            having count(*) between 2 and {MAX_BLOCK}""",
        """create or replace table candidates as
            select distinct '0' as match_key, l.uid as join_key_l, r.uid as join_key_r
            from (select key, uid from block_keys semi join blocks using (key)) as l
            join (select key, uid from block_keys semi join blocks using (key)) as r
            on l.key = r.key and l.uid < r.uid""",
    ):
        connection.execute(statement).fetchall()
    (count,) = connection.execute("select count(*) from candidates").fetchall()[0]
    return int(count)
