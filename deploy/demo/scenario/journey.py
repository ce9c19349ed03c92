"""The whole journey, put together."""

from __future__ import annotations

from functools import lru_cache

from deploy.demo.scenario import customs, handling, plan, timetable
from deploy.demo.scenario.cargo import CONSIGNMENTS
from deploy.demo.scenario.model import Journey, by


@lru_cache
def journey() -> Journey:
    """Run PK-RU 001 from booking to delivery."""
    return Journey(
        ends=by("astrakhan-terminal", "07-11 20:00").at,
        consignments=CONSIGNMENTS,
        trains=timetable.trains(),
        handlings=handling.handlings(),
        plan=plan.plan(),
        cases=customs.cases(),
        holds=customs.holds(),
    )
