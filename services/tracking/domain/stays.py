"""Stays: when a subject was at a point, by one party's reports of it.

Invariant: a stay begins with an arrival and ends with a departure. Who says the same twice has seen one arrival:
another stay takes a departure before it, or a movement elsewhere in between.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.tracking.domain.reports import Report

_MOVES = ("arrives", "departs", "passes")


class Elsewhere:
    """When a subject moved at which point, to ask whether it was elsewhere in between."""

    def __init__(self, reports: Iterable[Report]) -> None:
        moves = sorted((r.instant, r.point or "") for r in reports if r.movement in _MOVES)
        self._instants = [instant for instant, _ in moves]
        self._points = [point for _, point in moves]

    def between(self, point: str | None, start: datetime, end: datetime) -> bool:
        """Whether the subject moved at another point between two instants, both left out."""
        first, last = bisect_right(self._instants, start), bisect_left(self._instants, end)
        return any(other != point for other in self._points[first:last])


def stays(reports: Sequence[Report], elsewhere: Elsewhere, tolerance: timedelta) -> list[list[Report]]:
    """One party's reports of one point, cut into stays, in order of time."""
    found: list[list[Report]] = []
    left: datetime | None = None
    for report in sorted(reports, key=lambda r: r.order):
        if not found or _begins(report, found[-1], left, elsewhere, tolerance):
            found.append([])
            left = None
        found[-1].append(report)
        if report.movement == "departs":
            left = left or report.instant
    return found


def seen_in_stays(members: Sequence[tuple[int, Report]]) -> list[tuple[int, Report]]:
    """The reports of a visit, those marked as sightings by which the subject was merely seen during its stay.

    Who has passed has not stopped: where anybody tells of more, a passing tells that the subject was still there. Where
    nobody does, it passed when the best speaker, the first of the members, says so first.
    """
    passing = [r for _, r in members if r.movement == "passes"]
    if not passing:
        return list(members)
    if not any(r.movement in ("arrives", "departs") or (r.places and r.code != "PASS") for _, r in members):
        best = [r for place, r in members if place == members[0][0] and r.movement == "passes"]
        passing = sorted(best, key=lambda r: r.order)[1:]
    marked = set(passing)
    return [(place, replace(r, sighting=True) if r in marked else r) for place, r in members]


def _begins(
    report: Report, stay: Sequence[Report], left: datetime | None, elsewhere: Elsewhere, tolerance: timedelta
) -> bool:
    """Whether a report begins another stay than the one before."""
    if elsewhere.between(report.point, stay[-1].instant, report.instant):
        crossing = all(r.movement == "crosses" for r in stay)
        return left is not None or (report.movement in ("arrives", "passes") and not crossing) or _only_passed(stay)
    if left is None:
        return False
    return report.movement == "arrives" or (report.movement == "departs" and report.instant - left > tolerance)


def _only_passed(stay: Sequence[Report]) -> bool:
    return all(r.movement == "passes" for r in stay)
