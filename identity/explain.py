"""Why two records are held to be one person: the levels that fired, as numbers.

A link keeps its levels as text, `given_name=0~-1.25;email=1`: comparison, place of the level among
those that say something, and the term-frequency part where there is one. Prior plus the evidence
read from it is the link's weight within 1e-6.
"""

from itertools import pairwise

from domain.customer import LinkEvidence
from domain.errors import InputError
from identity.comparisons import COMPARISONS, Comparison
from identity.model import Model
from identity.normalise import Person


def levels_sql(model: Model) -> str:
    """The levels text of a scored pair, from Splink's `mw_*` columns.

    Splink gives weights and not levels here; a model's weights differ from level to level, so the
    nearest one is the level. A weight of exactly 0 is Splink's null level.
    """
    parts = ", ".join(_level_sql(comparison, model) for comparison in COMPARISONS)
    return f"concat_ws(';', {parts})"


def _level_sql(comparison: Comparison, model: Model) -> str:
    column = f"mw_{comparison.name}"
    level = place_sql(comparison, model)
    tf = f"mw_tf_adj_{comparison.name}"
    part = (
        f"case when {tf} <> 0 then '~' || round({tf}, 9) else '' end" if comparison.has_tf else "''"
    )
    return f"case when {column} <> 0 then '{comparison.name}=' || {level} || {part} end"


def place_sql(comparison: Comparison, model: Model) -> str:
    """The place of the level whose weight Splink's `mw_*` column holds."""
    weights = [model.level_weight(comparison.name, level.name) for level in comparison.graded]
    bounds = " ".join(
        f"when mw_{comparison.name} > {(upper + lower) / 2!r} then {place}"
        for place, (upper, lower) in enumerate(pairwise(weights))
    )
    return f"case {bounds} else {len(weights) - 1} end"


def evidence(
    levels: str, model: Model, left: Person | None = None, right: Person | None = None
) -> tuple[LinkEvidence, ...]:
    """One entry per comparison that said something, in the order of the model. Raises InputError
    where the levels are another model's.
    """
    known = {comparison.name: comparison for comparison in COMPARISONS}
    found = []
    for part in filter(None, levels.split(";")):
        name, _, rest = part.partition("=")
        place, _, tf = rest.partition("~")
        try:
            comparison = known[name]
            level = comparison.graded[int(place)]
            m, u = model.weights[name][level.name]
            tf_weight = float(tf) if tf else None
        except (KeyError, IndexError, ValueError) as error:
            raise InputError(f"levels '{levels}' are not of model {model.version}") from error
        found.append(
            LinkEvidence(
                comparison=name,
                level=level.name,
                left=_shown(comparison, left),
                right=_shown(comparison, right),
                m=m,
                u=u,
                match_weight=model.level_weight(name, level.name) + (tf_weight or 0.0),
                term_frequency_weight=tf_weight,
            )
        )
    return tuple(found)


def _shown(comparison: Comparison, person: Person | None) -> str | None:
    if person is None:
        return None
    values = (getattr(person, column) for column in comparison.columns)
    texts = (" ".join(value) if isinstance(value, tuple) else value for value in values)
    return " ".join(text for text in texts if text) or None
