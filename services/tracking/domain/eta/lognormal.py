"""Durations as lognormal variables: what is left of one that has begun, and sums of several.

Source of the moments of a truncated lognormal variable and of the sum by its first two moments: any text on the
lognormal distribution; the sum is Fenton's approximation.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

# What next to nothing lasts is a standstill of another kind: it takes a share of what has passed already.
_RARE = 1e-6
_SHARE = 0.1


class Moments(NamedTuple):
    """Mean in hours and variance in square hours."""

    mean: float
    variance: float

    @property
    def median(self) -> float:
        """The median of the lognormal variable with these moments."""
        return self.mean / math.sqrt(1 + self.variance / self.mean**2) if self.mean > 0 else 0.0


def moments(median: float, sigma: float) -> Moments:
    """The moments of a duration."""
    mean = median * math.exp(sigma**2 / 2)
    return Moments(mean, mean**2 * math.expm1(sigma**2))


def left_of(median: float, sigma: float, elapsed: float) -> Moments:
    """The moments of what is left of a duration of which so many hours have passed."""
    if elapsed <= 0:
        return moments(median, sigma)
    ahead = (math.log(elapsed) - math.log(median)) / sigma
    lasting = _above(ahead)
    if lasting < _RARE:
        mean = elapsed * max(sigma / ahead, _SHARE)
        return Moments(mean, mean**2)
    first = median * math.exp(sigma**2 / 2) * _above(ahead - sigma) / lasting
    second = median**2 * math.exp(2 * sigma**2) * _above(ahead - 2 * sigma) / lasting
    return Moments(max(first - elapsed, 0.0), max(second - first**2, 0.0))


def total(parts: Iterable[Moments]) -> Moments:
    """The moments of the sum of independent durations."""
    every = list(parts)
    return Moments(sum(p.mean for p in every), sum(p.variance for p in every))


def _above(z: float) -> float:
    """How likely a standard normal variable is above z."""
    return math.erfc(z / math.sqrt(2)) / 2
