"""Estimates on worlds that no fit has seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from contracts.corridor.corridor import Corridor, load_corridor
from contracts.corridor.durations import Durations
from corridor.eta.fit import fit
from corridor.eta.journeys import Journey
from tests.eta import backtest as tried
from tests.eta.backtest import backtest

CORRIDOR = load_corridor("pk-ru")


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return backtest(CORRIDOR, range(100, 103))


def test_eight_of_ten_arrivals_are_in_the_range_and_the_error_is_well_below_that_of_the_plan(
    figures: dict[str, Any],
) -> None:
    assert 0.75 <= figures["inside"] <= 0.85
    assert figures["ours_to_plan"] <= 0.6
    by_horizon = {name: one["inside"] for name, one in figures["by_source"]["corridor"].items()}
    assert all(0.7 <= share <= 0.9 for share in by_horizon.values()), by_horizon


def test_who_is_announced_is_nearer_than_we_alone() -> None:
    figures = backtest(CORRIDOR, range(100, 103))["by_source"]
    announced, ours = (
        figures[name]["all"]["mean_absolute_error_hours"] for name in ("announced", "corridor beside plan")
    )
    assert announced < ours


def test_a_range_that_is_too_narrow_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def narrowed(corridor: Corridor, past: Sequence[Journey]) -> Durations:
        made = fit(corridor, past)
        bands = tuple(b.model_copy(update={"low": b.low / 3, "high": b.high / 3}) for b in made.bands)
        return made.model_copy(update={"bands": bands})

    monkeypatch.setattr(tried, "fit", narrowed)
    assert backtest(CORRIDOR, range(100, 101))["inside"] < 0.7
