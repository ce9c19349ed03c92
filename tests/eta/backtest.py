"""How good estimates are: on journeys and worlds that the fit has not seen, beside the plan and the railways.

Invariant: what is estimated of a journey rests on what was known of it at that instant alone.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contracts.corridor.corridor import Corridor
from contracts.corridor.durations import Durations
from corridor.eta.fit import fit
from corridor.eta.journeys import Journey, guesses
from services.tracking.domain.eta.estimates import OURS, PLAN
from tests.eta.world import journeys, world

HORIZONS: Final = (12.0, 48.0, 120.0, 240.0, 10_000.0)
PAST: Final = 90
UNSEEN: Final = 60


@dataclass(slots=True)
class Scores:
    """Errors in hours, later than expected above 0, and how many lay inside the range, where there is one."""

    errors: list[float] = field(default_factory=list)
    inside: int = 0

    def figures(self) -> dict[str, Any]:
        """Bias, mean absolute error, and the share inside the range."""
        count = len(self.errors)
        found = {
            "n": count,
            "bias_hours": round(statistics.fmean(self.errors), 2),
            "mean_absolute_error_hours": round(statistics.fmean(map(abs, self.errors)), 2),
        }
        return found | ({"inside": round(self.inside / count, 3)} if self.inside else {})


Key = tuple[str, float]


def backtest(corridor: Corridor, seeds: Iterable[int]) -> dict[str, Any]:
    """Figures over all worlds: ours, the plan's with the present delay, the railways', and of whoever is announced."""
    scores: dict[Key, Scores] = {}
    for seed in seeds:
        one = world(corridor, seed)
        durations = fit(corridor, journeys(one, seed, PAST))
        for journey in journeys(one, -seed - 1, UNSEEN):
            _score(scores, journey, corridor, durations)
    return _figures(scores)


def _score(scores: dict[Key, Scores], journey: Journey, corridor: Corridor, durations: Durations) -> None:
    departs = {stay.departed_at for stay in journey.stays.values()}
    said = {(s.source if s.source == PLAN else "railway", s.point, s.made_at): s for s in journey.said}
    for guess in guesses(journey, corridor, durations):
        horizon = next(h for h in HORIZONS if guess.ahead <= h)
        _add(scores, OURS, horizon, guess.error, guess.is_inside)
        if guess.made_at not in departs:
            continue
        errors = {OURS: guess.error}
        best, most = OURS, durations.share_right(OURS, guess.arrival.point)
        for source in (PLAN, "railway"):
            other = said.get((source, guess.arrival.point, guess.made_at))
            if other is None:
                continue
            errors[source] = (guess.actual - other.expected).total_seconds() / 3600
            _add(scores, source, horizon, errors[source])
            _add(scores, f"{OURS} beside {source}", horizon, guess.error)
            if durations.share_right(other.source, guess.arrival.point) > most:
                best, most = source, durations.share_right(other.source, guess.arrival.point)
        _add(scores, "announced", horizon, errors[best])


def _add(scores: dict[Key, Scores], source: str, horizon: float, error: float, inside: bool = False) -> None:
    for key in ((source, horizon), (source, 0.0)):
        one = scores.setdefault(key, Scores())
        one.errors.append(error)
        one.inside += inside


def _figures(scores: Mapping[Key, Scores]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for (source, horizon), one in sorted(scores.items()):
        name = f"up to {horizon:g} h" if horizon else "all"
        found.setdefault(source, {})[name] = one.figures()
    ours, plan = (found[s]["all"]["mean_absolute_error_hours"] for s in (f"{OURS} beside {PLAN}", PLAN))
    return {"ours_to_plan": round(ours / plan, 3), "inside": found[OURS]["all"]["inside"], "by_source": found}
