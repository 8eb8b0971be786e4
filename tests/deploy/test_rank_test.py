"""The rank test, compared with values from textbooks and other programs."""

import pytest

from stackproof.deploy import rank_test
from stackproof.deploy.rank_test import greater

MALES, FEMALES = [19, 22, 16, 29, 24], [20, 11, 17, 12]


def test_an_exact_probability() -> None:
    """The example of SciPy's documentation: the two-sided p is 1/9."""
    test = greater(FEMALES, MALES)
    assert test.u == 17
    assert test.p == pytest.approx(1 / 18)
    assert test.delta == pytest.approx(2 * 17 / 20 - 1)


def test_the_normal_approximation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two-sided asymptotic p of SciPy is 0.11134688653314041."""
    monkeypatch.setattr(rank_test, "EXACT_UP_TO", 0)
    assert greater(FEMALES, MALES).p == pytest.approx(0.11134688653314041 / 2)


@pytest.mark.parametrize(("size", "orders"), [(3, 20), (5, 252), (10, 184756), (20, 137846528820)])
def test_every_value_is_greater(size: int, orders: int) -> None:
    test = greater(range(size), range(size, 2 * size))
    assert (test.u, test.delta) == (size**2, 1)
    assert test.p == pytest.approx(1 / orders)


def test_every_value_is_less() -> None:
    test = greater([5, 6, 7], [1, 2, 3])
    assert (test.u, test.delta, test.p) == (0, -1, 1)


def test_ties_reduce_the_variance() -> None:
    test = greater([1, 2, 2, 3], [2, 3, 3, 4])
    assert (test.u, test.delta) == (13, 0.625)
    # U is 13, its mean 8; its variance 16/12 (9 - 48/56).
    assert test.p == pytest.approx(0.086, abs=0.0001)


def test_equal_samples() -> None:
    test = greater([7.0] * 6, [7.0] * 6)
    assert (test.u, test.delta, test.p) == (18, 0, 1)


def test_an_empty_sample() -> None:
    with pytest.raises(ValueError, match=r"^a rank test needs two samples$"):
        greater([], [1])
