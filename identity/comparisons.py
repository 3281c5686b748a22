"""What two records are compared by: each comparison's graded levels, strongest first.

Conditions are DuckDB (and Splink) SQL over the columns of `features`, with `_l` and `_r` for the
two records. Levels stand in falling order of weight; a model in which they do not is refused.

Splink multiplies comparisons as if they were independent. What a household shares (address, family
name, landline, mailbox) is not, so it is one comparison, `home`: two people of one household differ
in it by nothing, and it is worth only what it is worth when all of it agrees by that reason.
"""

import re
from dataclasses import dataclass

NAMESAKES, AT_HOME, AWAY = "namesakes", "at home", "not at home"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """`name` is what evidence calls it. `tf` is the column whose value's frequency sharpens the
    weight. A level that `says_nothing` is Splink's null level. A `coincidence` is so rare among
    strangers that its u falls with the number of records, as the prior does.
    `among` says of which pairs m and u are shares, where a level depends on another comparison: the
    user part of an address on the name, a first name on the family (father and son).
    """

    name: str
    sql: str
    tf: str | None = None
    says_nothing: bool = False
    coincidence: bool = False
    among: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`columns` are shown as the two values of the evidence."""

    name: str
    columns: tuple[str, ...]
    levels: tuple[Level, ...]

    @property
    def graded(self) -> tuple[Level, ...]:
        """The levels that say something, strongest first."""
        return tuple(level for level in self.levels if not level.says_nothing)

    @property
    def has_tf(self) -> bool:
        return any(level.tf for level in self.levels)


def nothing(sql: str) -> Level:
    return Level(name="nothing to compare", sql=sql, says_nothing=True)


def otherwise(name: str) -> Level:
    return Level(name=name, sql="ELSE")


def _edits(column: str) -> str:
    """One typing error, or two in a long name; both ends of it cannot be wrong at once.

    Two names that are both well known (Mark and Mary) are two names and no typing error.
    """
    left, right = f"{column}_l", f"{column}_r"
    return f"""(greatest(length({left}), length({right})) > 2
        and abs(length({left}) - length({right})) < 3
        and ({left}[1] = {right}[1] or {left}[-1] = {right}[-1])
        and not ({column}_known_l and {column}_known_r)
        and damerau_levenshtein({left}, {right})
            <= case when least(length({left}), length({right})) > 6 then 2 else 1 end)"""


def _sounds(column: str) -> str:
    """Names that sound alike; of names that are not both well known the consonants are enough."""
    return f"""({column}_sound_l = {column}_sound_r or {column}_skeleton_l = {column}_skeleton_r
        and not ({column}_known_l and {column}_known_r))"""


SAME_GIVEN = "given_l = given_r"
SHORT_FORM = """((len(given_roots_l) > 1 or len(given_roots_r) > 1)
        and list_has_any(given_roots_l, given_roots_r)
    or not (given_known_l and given_known_r) and least(length(given_l), length(given_r)) > 1
        and (starts_with(given_l, given_r) or starts_with(given_r, given_l)))"""
INITIAL = """(length(given_l) = 1 and contains(given_initials_r, given_l)
    or length(given_r) = 1 and contains(given_initials_l, given_r))"""
SPELLING = f"({_edits('given')} or {_sounds('given')})"
_CROSSED = """list_contains(families_{here}, given_{there})
        and (family_{there} is null or list_contains(families_{there}, given_{here})
            or family_{there}[1] = given_{here}[1])
    or family_{there} is null and given_{there} in (given_{here} || family_{here},
        family_{here} || given_{here}, given_{here}[1] || family_{here})"""
SWAPPED = "(given_l <> given_r and ({} or {}))".format(
    _CROSSED.format(here="l", there="r"), _CROSSED.format(here="r", there="l")
)
SAME_PERSON_NAME = f"({SAME_GIVEN} or {SWAPPED} or {SHORT_FORM} or {INITIAL} or {SPELLING})"

PART_OF_FAMILY = "(list_contains(families_l, family_r) or list_contains(families_r, family_l))"
FAMILY_SPELLING = f"({_edits('family')} or {_sounds('family')})"
FAMILY_INITIAL = "((length(family_l) = 1 or length(family_r) = 1) and family_l[1] = family_r[1])"
SIMILAR_FAMILY = f"({PART_OF_FAMILY} or {FAMILY_SPELLING} or {FAMILY_INITIAL} or {SWAPPED})"

SAME_STREET = "(street_l = street_r and house_l is not distinct from house_r)"
NEAR_STREET = """(house_l = house_r and jaro_winkler_similarity(street_l, street_r) >= 0.88
    or postcode_l = postcode_r and street_l = street_r)"""
SAME_ADDRESS = f"""((postcode_l = postcode_r or city_l = city_r)
    and ({SAME_STREET} or {NEAR_STREET}))"""
SHARED_LINE = "list_has_any(phones_shared_l, phones_shared_r)"
SHARED_MAILBOX = "list_has_any(emails_shared_l, emails_shared_r)"
ONE_NAME = f"coalesce({SAME_PERSON_NAME}, true)"
"""Names that do not contradict one another; a name that is missing contradicts none."""
HOME = f"coalesce({SAME_ADDRESS}, false) or {SHARED_LINE} or {SHARED_MAILBOX}"

NEAR_BIRTH_DATE = """(damerau_levenshtein(birth_date_l, birth_date_r) <= 1
    or (birth_date_l[1:4] = birth_date_r[1:4] and birth_date_l[5:6] = birth_date_r[7:8]
        and birth_date_l[7:8] = birth_date_r[5:6]))"""
OTHER_BIRTH_DATE = f"coalesce(not {NEAR_BIRTH_DATE}, false)"

GIVEN_NAME = Comparison(
    name="given_name",
    columns=("given",),
    levels=(
        nothing("given_l is null or given_r is null"),
        Level(name="parts in another order", sql=SWAPPED),
        Level(name="same", sql=f"{SAME_GIVEN} and not ({HOME})", tf="given", among=AWAY),
        Level(name="same, at one home", sql=SAME_GIVEN, among=AT_HOME),
        Level(name="spelled differently", sql=SPELLING),
        Level(name="short form of the other", sql=SHORT_FORM),
        Level(name="same initial", sql=INITIAL),
        otherwise("different"),
    ),
)

FAMILY_NAME = Comparison(
    name="family_name",
    columns=("family",),
    levels=(
        nothing(f"family_l is null or family_r is null or {SWAPPED} or {HOME}"),
        Level(name="same", sql="family_l = family_r", tf="family"),
        Level(name="one of two family names", sql=PART_OF_FAMILY),
        Level(name="spelled differently", sql=FAMILY_SPELLING),
        Level(name="same initial", sql=FAMILY_INITIAL),
        otherwise("different"),
    ),
)

HOME_LIFE = Comparison(
    name="home",
    columns=("house", "street", "postcode", "city", "family"),
    levels=(
        nothing(
            f"""not ({HOME}) and (coalesce(street_l, postcode_l, city_l) is null
            or coalesce(street_r, postcode_r, city_r) is null)"""
        ),
        Level(
            name="same home and family name",
            sql=f"({HOME}) and family_l = family_r",
            coincidence=True,
        ),
        Level(
            name="same home, similar family name",
            sql=f"({HOME}) and {SIMILAR_FAMILY}",
            coincidence=True,
        ),
        Level(
            name="same home, family name not said",
            sql=f"({HOME}) and (family_l is null or family_r is null)",
            coincidence=True,
        ),
        Level(name="same home, other family name", sql=HOME, coincidence=True),
        Level(name="same postcode", sql="postcode_l = postcode_r", tf="postcode"),
        Level(name="same city", sql="city_l = city_r", tf="city"),
        otherwise("different"),
    ),
)

HOME_LEVELS = 4
"""So many levels of `home`, the first ones, are of records at one home."""

BIRTH_DATE = Comparison(
    name="birth_date",
    columns=("birth_date",),
    levels=(
        nothing("birth_date_l is null or birth_date_r is null"),
        Level(name="same", sql="birth_date_l = birth_date_r", tf="birth_date"),
        Level(
            name="one typing error or day and month swapped",
            sql=NEAR_BIRTH_DATE,
        ),
        Level(
            name="two of year, month and day",
            sql="""(birth_date_l[1:4] = birth_date_r[1:4])::int
                + (birth_date_l[5:6] = birth_date_r[5:6])::int
                + (birth_date_l[7:8] = birth_date_r[7:8])::int >= 2""",
        ),
        otherwise("different"),
    ),
)

GENERATION = Comparison(
    name="generation",
    columns=("generation",),
    levels=(
        nothing("generation_l is null or generation_r is null"),
        Level(name="same", sql="generation_l = generation_r"),
        otherwise("different"),
    ),
)

ACCOUNT = Comparison(
    name="account_number",
    columns=("account",),
    levels=(
        nothing("account_l is null or account_r is null"),
        Level(name="same", sql="account_l = account_r", coincidence=True),
        Level(
            name="one typing error",
            sql="length(account_l) > 4 and damerau_levenshtein(account_l, account_r) <= 1",
            coincidence=True,
        ),
        otherwise("different"),
    ),
)

EMAIL = Comparison(
    name="email",
    columns=("emails",),
    levels=(
        nothing(
            f"""(email_l is null or email_r is null or {SHARED_MAILBOX})
            and not list_has_any(emails_own_l, emails_own_r)"""
        ),
        Level(name="same", sql="list_has_any(emails_own_l, emails_own_r)", coincidence=True),
        Level(
            name="typing error in the domain",
            sql="""email_user_l = email_user_r and not (email_free_l and email_free_r)
                and damerau_levenshtein(email_domain_l, email_domain_r) <= 2""",
            coincidence=True,
        ),
        Level(
            name="typing error in the user name",
            sql=f"""email_letters_l <> email_letters_r and length(email_letters_l) > 5
                and abs(length(email_l) - length(email_r)) < 2
                and damerau_levenshtein(email_l, email_r) <= 1 and {ONE_NAME}""",
            coincidence=True,
        ),
        Level(
            name="same telling user name at another provider",
            sql="""email_user_l = email_user_r and length(email_user_l) > 5
                and not (email_named_l or email_named_r)""",
            coincidence=True,
        ),
        Level(
            name="different, one of them not from a free provider",
            sql="not (email_free_l and email_free_r)",
            among=NAMESAKES,
        ),
        Level(
            name="user names of the same name",
            sql="email_letters_l = email_letters_r",
            among=NAMESAKES,
        ),
        Level(name="different", sql="ELSE", among=NAMESAKES),
    ),
)

PHONE = Comparison(
    name="phone",
    columns=("phones",),
    levels=(
        nothing(
            f"""(phone_l is null or phone_r is null or {SHARED_LINE})
            and not list_has_any(phones_own_l, phones_own_r)"""
        ),
        Level(
            name="same",
            sql="""list_has_any(phones_own_l, phones_own_r)
                and not coalesce(phone_kind_l = 'fixed' and phone_kind_r = 'fixed', false)""",
            coincidence=True,
        ),
        Level(
            name="same landline",
            sql="list_has_any(phones_own_l, phones_own_r)",
            coincidence=True,
        ),
        Level(
            name="one typing error",
            sql=f"""length(phone_l) > 7 and abs(length(phone_l) - length(phone_r)) < 2
                and damerau_levenshtein(phone_l, phone_r) <= 1 and {ONE_NAME}""",
            coincidence=True,
        ),
        Level(name="a mobile and a landline", sql="phone_kind_l <> phone_kind_r"),
        otherwise("different"),
    ),
)

HANDLE = Comparison(
    name="handle",
    columns=("handles",),
    levels=(
        nothing("len(handles_l) = 0 or len(handles_r) = 0"),
        Level(name="same", sql="list_has_any(handles_l, handles_r)", coincidence=True),
        otherwise("different"),
    ),
)

COMPANY = Comparison(
    name="company",
    columns=("company",),
    levels=(
        nothing("company_l is null or company_r is null"),
        Level(name="same", sql="company_l = company_r", tf="company"),
        otherwise("different"),
    ),
)

OTHER_BEARERS = """(name_bearers_l - (name_person_l is not null)::int
    - (name_person_r is not null and name_person_r is distinct from name_person_l)::int)"""
BEARERS = Comparison(
    name="others_of_the_name",
    columns=("given", "family"),
    levels=(
        nothing("not coalesce(given_l = given_r and family_l = family_r, false)"),
        Level(name="nobody else", sql=f"{OTHER_BEARERS} < 1", among=NAMESAKES),
        Level(name="one other person", sql=f"{OTHER_BEARERS} = 1", among=NAMESAKES),
        Level(name="two or three others", sql=f"{OTHER_BEARERS} < 4", among=NAMESAKES),
        Level(name="many others", sql="ELSE", among=NAMESAKES),
    ),
)
"""How many more people are seen to bear the full name: first and family names go together more
often than chance has it, which their two frequencies do not show."""

MANY_BEARERS = 6
"""From so many bearers on, two of whom may be the ones compared, many others bear the name."""

SYSTEM = Comparison(
    name="system",
    columns=(),
    levels=(
        Level(name="two systems", sql="system_l <> system_r"),
        otherwise("one system"),
    ),
)

COMPARISONS = (
    GIVEN_NAME, FAMILY_NAME, BEARERS, HOME_LIFE, BIRTH_DATE, GENERATION, ACCOUNT, EMAIL, PHONE,
    HANDLE, COMPANY, SYSTEM,
)  # fmt: skip


def sided(condition: str) -> str:
    """A pair condition over `x_l`, `x_r` as one over `l.x`, `r.x`."""
    return re.sub(r"\b([a-z_]+)_([lr])\b", r"\2.\1", condition)


def case_sql(comparison: Comparison) -> str:
    """The place of the level that fires, over `l` and `r`; -1 for one that says nothing. The first
    level whose condition holds decides, as in Splink.
    """
    places = {level.name: place for place, level in enumerate(comparison.graded)}
    branches = "".join(
        f"else {places[level.name]} "
        if level.sql == "ELSE"
        else f"when {sided(level.sql)} then {places.get(level.name, -1)} "
        for level in comparison.levels
    )
    return f"case {branches} end"
