"""Durations as lognormal variables, held to what a simulation finds."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.domain.eta.lognormal import left_of, moments, total

_hours = st.floats(0.5, 200)
_sigmas = st.floats(0.05, 1.2)


@given(_hours, _sigmas)
def test_the_median_of_a_duration_is_that_of_its_moments(median: float, sigma: float) -> None:
    assert moments(median, sigma).median == pytest.approx(median)


@given(_hours, _sigmas, st.floats(0, 2000))
def test_what_is_left_is_never_negative_and_is_always_a_number(median: float, sigma: float, elapsed: float) -> None:
    left = left_of(median, sigma, elapsed)
    assert left.mean >= 0 and left.variance >= 0
    assert math.isfinite(left.mean) and math.isfinite(left.median)


@pytest.mark.parametrize("elapsed", [0.0, 5.0, 20.0, 40.0, 80.0])
def test_what_is_left_is_what_a_simulation_finds(elapsed: float) -> None:
    draw = random.Random(1)
    took = [24 * math.exp(0.6 * draw.gauss(0, 1)) for _ in range(400_000)]
    left = [hours - elapsed for hours in took if hours > elapsed]
    found = left_of(24, 0.6, elapsed)
    assert found.mean == pytest.approx(statistics.fmean(left), rel=0.05)
    assert math.sqrt(found.variance) == pytest.approx(statistics.pstdev(left), rel=0.08)


def test_the_median_of_a_sum_is_what_a_simulation_finds() -> None:
    draw = random.Random(2)
    parts = [(60, 0.2), (24, 0.6), (5, 0.9), (48, 0.5)]
    sums = [sum(m * math.exp(s * draw.gauss(0, 1)) for m, s in parts) for _ in range(40_000)]
    assert total(moments(m, s) for m, s in parts).median == pytest.approx(statistics.median(sums), rel=0.02)


def test_what_has_lasted_far_longer_than_any_other_takes_another_tenth_of_that() -> None:
    assert left_of(1.0, 0.1, 50.0).mean == pytest.approx(5.0)
