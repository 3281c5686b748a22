"""Known answers, worked by hand."""

import pytest

from identity.evaluate import quality


def test_measures_of_a_small_clustering() -> None:
    """Clusters {1,2,3} {4,5} {6} of persons A={1,2} B={3,4,5} C={6}.

    Pairs: linked 12 13 23 45, true 12 34 35 45, right 12 45: precision 2/4, recall 2/4.
    B-cubed precision: 2/3 + 2/3 + 1/3 + 1 + 1 + 1 = 14/3 over 6; recall: 1 + 1 + 1/3 + 2/3 +
    2/3 + 1 = 14/3 over 6. Of three persons A and B share a cluster.
    """
    found = quality([("x", "A"), ("x", "A"), ("x", "B"), ("y", "B"), ("y", "B"), ("z", "C")])
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)
    assert found.bcubed_precision == pytest.approx(14 / 18)
    assert found.bcubed_recall == pytest.approx(14 / 18)
    assert found.bcubed_f1 == pytest.approx(14 / 18)
    assert found.sharing_persons == pytest.approx(2 / 3)
    assert (found.records, found.persons, found.clusters) == (6, 3, 3)


def test_one_cluster_of_everybody() -> None:
    """Four records of two persons in one cluster: 2 of 6 pairs are right, all true ones found."""
    found = quality([("x", "A"), ("x", "A"), ("x", "B"), ("x", "B")])
    assert found.precision == pytest.approx(1 / 3)
    assert found.recall == 1.0
    assert found.bcubed_precision == 0.5
    assert found.sharing_persons == 1.0


def test_nothing_linked_is_precise_and_finds_nothing() -> None:
    found = quality([("x", "A"), ("y", "A")])
    assert (found.precision, found.recall, found.f1) == (1.0, 0.0, 0.0)
    assert found.sharing_persons == 0.0
