"""Training: the bundled model adapted to the records at hand."""

import math
from collections.abc import Sequence

import duckdb

from identity.model import LEAST_STEP, Model

LEAST_WEIGHT = -20.0
"""Weaker pairs are dropped before clustering: they could neither link nor veto."""


def adapt(connection: duckdb.DuckDBPyConnection, model: Model) -> Model:
    """The model as it fits the records of the connection."""
    return model


def falling(levels: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The (m, u) nearest to those given whose weights fall from level to level.

    Neighbours out of order are pooled (pool adjacent violators): together they get the weight of
    their summed m and u. m is kept and u moves, then each level is set a hair below the one before,
    so that a weight still names its level.
    """
    pools: list[tuple[float, float, int]] = []
    for m, u in levels:
        pools.append((m, u, 1))
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] <= pools[-1][0] / pools[-1][1]:
            (m1, u1, n1), (m2, u2, n2) = pools[-2:]
            pools[-2:] = [(m1 + m2, u1 + u2, n1 + n2)]
    weights = [math.log2(m / u) for m, u, count in pools for _ in range(count)]
    stepped = [weight - 2 * LEAST_STEP * place for place, weight in enumerate(weights)]
    return [(m, min(1.0, m / 2**weight)) for (m, _), weight in zip(levels, stepped, strict=True)]
