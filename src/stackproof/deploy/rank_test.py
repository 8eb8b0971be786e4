"""The Mann-Whitney U test of two samples, with Cliff's delta for the size of the effect.

It assumes no distribution: latencies have long tails, and one slow response changes no other rank.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

EXACT_UP_TO = 20
"""Size of both samples up to which the probability is exact, unless there are ties."""


@dataclass(frozen=True)
class RankTest:
    """The result of the test."""

    u: float
    """Pairs in which the value of the second sample is greater; a tie counts half."""
    p: float
    """The probability of this `u` or a greater one if nothing has changed."""
    delta: float
    """Cliff's delta, from -1 to 1; 1 if every value of the second sample is greater."""


def greater(before: Sequence[float], after: Sequence[float]) -> RankTest:
    """Test whether the values of the second sample are greater than those of the first.

    Raises:
        ValueError: a sample is empty.
    """
    if not before or not after:
        raise ValueError("a rank test needs two samples")
    u = sum((b > a) + 0.5 * (b == a) for b in after for a in before)
    ties = Counter([*before, *after])
    exact = max(len(before), len(after)) <= EXACT_UP_TO and len(ties) == len(before) + len(after)
    p = _exact(u, len(before), len(after)) if exact else _normal(u, len(before), len(after), ties)
    return RankTest(u=u, p=p, delta=2 * u / (len(before) * len(after)) - 1)


def _exact(u: float, n: int, m: int) -> float:
    """Return the fraction of all rank orders whose U is at least this one."""
    # Ways to get each U with i values of one sample and j of the other, by whose value is greatest.
    ways = {(i, j): [1] for i in range(n + 1) for j in range(m + 1) if i == 0 or j == 0}
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            count = [0] * (i * j + 1)
            for value, number in enumerate(ways[i - 1, j]):
                count[value] += number
            for value, number in enumerate(ways[i, j - 1]):
                count[value + i] += number
            ways[i, j] = count
    return sum(ways[n, m][math.ceil(u) :]) / math.comb(n + m, n)


def _normal(u: float, n: int, m: int, ties: Counter[float]) -> float:
    """Return the same from the normal distribution, corrected for ties and continuity."""
    total = n + m
    tied = sum(count**3 - count for count in ties.values())
    variance = n * m / 12 * (total + 1 - tied / (total * (total - 1)))
    if variance == 0:
        return 1.0
    z = (u - n * m / 2 - 0.5) / math.sqrt(variance)
    return 0.5 * math.erfc(z / math.sqrt(2))
