"""The plan of the run and of its trains: the corridor's hours, counted from the planned departure.

Invariant: a train's plan is the part of the run's that lies between its first and its last call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from contracts.corridor.corridor import load_corridor
from deploy.demo.scenario.model import ROUTE, RUN, PlannedCall, by
from deploy.demo.scenario.timetable import KTZ, PR, RAI, RZD, TRK

DEPARTURE: Final = by("pr", "06-22 06:00").at

SECTIONS: Final = {
    PR: ("pk-lahore", "ir-zahedan"),
    RAI: ("ir-zahedan", "ir-sarakhs"),
    TRK: ("ir-sarakhs", "kz-bolashak"),
    KTZ: ("kz-bolashak", "ru-aksarayskaya"),
    RZD: ("ru-aksarayskaya", "ru-astrakhan"),
}
"""Where each train begins and ends."""


def plan() -> Mapping[str, Sequence[PlannedCall]]:
    """The planned calls of the run and of each train."""
    calls = _run_calls()
    return {RUN: calls} | {train: _between(calls, *section) for train, section in SECTIONS.items()}


def _run_calls() -> list[PlannedCall]:
    offsets = load_corridor("pk-ru").variant(ROUTE).planned_offsets()
    calls = [PlannedCall(o.point, _after(o.arrive_hours), _after(o.depart_hours)) for o in offsets]
    return [*calls[:-1], PlannedCall(calls[-1].point, calls[-1].arrival, None)]


def _after(hours: float | None) -> datetime | None:
    return None if hours is None else DEPARTURE + timedelta(hours=hours)


def _between(calls: Sequence[PlannedCall], first: str, last: str) -> list[PlannedCall]:
    points = [call.point for call in calls]
    part = calls[points.index(first) : points.index(last) + 1]
    head, *middle, tail = part
    return [
        PlannedCall(head.point, None, head.departure),
        *middle,
        PlannedCall(tail.point, tail.arrival, None),
    ]
