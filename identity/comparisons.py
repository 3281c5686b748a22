"""What two records are compared by: each comparison's graded levels, strongest first.

Conditions are DuckDB (and Splink) SQL over the columns of `features`, with `_l` and `_r` for the
two records. Levels must be in falling order of weight; `model.py` refuses a model where they are
not.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """`name` is what evidence calls it. `tf` is the column whose value's frequency sharpens the
    weight. `unless` levels say nothing (Splink's null level).
    """

    name: str
    sql: str
    tf: str | None = None
    says_nothing: bool = False


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


SAME_GIVEN = "given_l = given_r"
NICKNAME = "list_has_any(given_roots_l, given_roots_r)"
INITIAL = "((length(given_l) = 1 or length(given_r) = 1) and given_l[1] = given_r[1])"
SPELLING = """((length(given_l) > 3 and length(given_r) > 3
    and (damerau_levenshtein(given_l, given_r) <= 1
        or (damerau_levenshtein(given_l, given_r) = 2
            and length(given_l) > 6 and length(given_r) > 6)))
    or (length(given_skeleton_l) > 2 and given_skeleton_l = given_skeleton_r))"""
SWAPPED = """(given_l = family_r and coalesce(family_l = given_r, true)
    or given_r = family_l and coalesce(family_r = given_l, true))"""
SAME_PERSON_NAME = f"({SAME_GIVEN} or {NICKNAME} or {INITIAL} or {SPELLING} or {SWAPPED})"

GIVEN_NAME = Comparison(
    name="given_name",
    columns=("given",),
    levels=(
        nothing("given_l is null or given_r is null"),
        Level(name="same", sql=SAME_GIVEN, tf="given"),
        Level(name="names swapped", sql=SWAPPED),
        Level(name="short form of the other", sql=NICKNAME),
        Level(name="spelled differently", sql=SPELLING),
        Level(name="same initial", sql=INITIAL),
        otherwise("different"),
    ),
)

FAMILY_NAME = Comparison(
    name="family_name",
    columns=("family",),
    levels=(
        nothing(f"family_l is null or family_r is null or {SWAPPED}"),
        Level(name="same", sql="family_l = family_r", tf="family"),
        Level(
            name="one of two family names",
            sql="list_contains(families_l, family_r) or list_contains(families_r, family_l)",
        ),
        Level(
            name="spelled differently",
            sql="""(length(family_l) > 3 and length(family_r) > 3
                and (damerau_levenshtein(family_l, family_r) <= 1
                    or (length(family_l) > 6 and damerau_levenshtein(family_l, family_r) = 2)))
                or (length(family_skeleton_l) > 2 and family_skeleton_l = family_skeleton_r)""",
        ),
        Level(
            name="same initial",
            sql="(length(family_l) = 1 or length(family_r) = 1) and family_l[1] = family_r[1]",
        ),
        otherwise("different"),
    ),
)

BIRTH_DATE = Comparison(
    name="birth_date",
    columns=("birth_date",),
    levels=(
        nothing("birth_date_l is null or birth_date_r is null"),
        Level(name="same", sql="birth_date_l = birth_date_r", tf="birth_date"),
        Level(
            name="one typing error or day and month swapped",
            sql="""damerau_levenshtein(birth_date_l, birth_date_r) <= 1
                or (birth_date_l[1:4] = birth_date_r[1:4]
                    and birth_date_l[5:6] = birth_date_r[7:8]
                    and birth_date_l[7:8] = birth_date_r[5:6])""",
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

ACCOUNT = Comparison(
    name="account_number",
    columns=("account",),
    levels=(
        nothing("account_l is null or account_r is null"),
        Level(name="same", sql="account_l = account_r"),
        Level(
            name="one typing error",
            sql="length(account_l) > 4 and damerau_levenshtein(account_l, account_r) <= 1",
        ),
        otherwise("different"),
    ),
)

EMAIL = Comparison(
    name="email",
    columns=("emails",),
    levels=(
        nothing(
            """(email_l is null or email_r is null)
            and not (list_has_any(emails_own_l, emails_own_r)
                or list_has_any(emails_shared_l, emails_shared_r))"""
        ),
        Level(name="same", sql="list_has_any(emails_own_l, emails_own_r)"),
        Level(
            name="same mailbox, which several people use",
            sql="list_has_any(emails_shared_l, emails_shared_r)",
        ),
        Level(
            name="one typing error",
            sql="length(email_l) > 12 and damerau_levenshtein(email_l, email_r) <= 1",
        ),
        Level(name="same name at another provider", sql="email_user_l = email_user_r"),
        otherwise("different"),
    ),
)

PHONE = Comparison(
    name="phone",
    columns=("phones",),
    levels=(
        nothing(
            """(phone_l is null or phone_r is null)
            and not (list_has_any(phones_own_l, phones_own_r)
                or list_has_any(phones_shared_l, phones_shared_r))"""
        ),
        Level(name="same", sql="list_has_any(phones_own_l, phones_own_r)"),
        Level(
            name="same line, which several people use",
            sql="list_has_any(phones_shared_l, phones_shared_r)",
        ),
        Level(
            name="one typing error",
            sql="length(phone_l) > 7 and damerau_levenshtein(phone_l, phone_r) <= 1",
        ),
        otherwise("different"),
    ),
)

HANDLE = Comparison(
    name="handle",
    columns=("handles",),
    levels=(
        nothing("len(handles_l) = 0 or len(handles_r) = 0"),
        Level(name="same", sql="list_has_any(handles_l, handles_r)"),
        otherwise("different"),
    ),
)

ADDRESS = Comparison(
    name="address",
    columns=("house", "street", "postcode", "city"),
    levels=(
        nothing(
            """coalesce(street_l, postcode_l, city_l) is null
            or coalesce(street_r, postcode_r, city_r) is null"""
        ),
        Level(
            name="same",
            sql="""street_l = street_r and house_l is not distinct from house_r
                and (postcode_l = postcode_r or city_l = city_r)""",
        ),
        Level(
            name="written differently",
            sql="""(postcode_l = postcode_r or city_l = city_r)
                and (house_l = house_r and jaro_winkler_similarity(street_l, street_r) >= 0.88
                    or postcode_l = postcode_r and street_l = street_r)""",
        ),
        Level(name="same postcode", sql="postcode_l = postcode_r", tf="postcode"),
        Level(name="same city", sql="city_l = city_r", tf="city"),
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

COMPARISONS = (
    GIVEN_NAME, FAMILY_NAME, BIRTH_DATE, ACCOUNT, EMAIL, PHONE, HANDLE, ADDRESS, COMPANY,
)  # fmt: skip
