"""Who may speak of a subject, by what is known of it.

Invariant: a report counts when its speaker has to do with the subject there and then; until then it is parked with
what it waits for. What a forwarder says beyond its own work is a claim: it is shown, and moves and ends nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from contracts.corridor.corridor import Corridor
from contracts.roles import BEGINS, ENDS, ROLES
from services.chassis.projection.fold import Parked
from services.tracking.domain.reading import Sorted
from services.tracking.domain.reports import Report


def _nobody(_: datetime) -> frozenset[str]:
    return frozenset()


def always(parties: Iterable[str]) -> Callable[[datetime], frozenset[str]]:
    """The same parties at any instant."""
    found = frozenset(parties)
    return lambda _: found


@dataclass(frozen=True, slots=True)
class Ties:
    """Who has to do with a subject: `owners` always, `moving` the railways that had it in a train at an instant.

    `booked_by` are the parties that had booked it at an instant.
    """

    subject: str
    owners: frozenset[str] = frozenset()
    moving: Callable[[datetime], frozenset[str]] = _nobody
    booked_by: Callable[[datetime], frozenset[str]] = _nobody


def related(found: Sorted, ties: Ties, corridor: Corridor) -> None:
    """Parks the reports whose speakers have no relation to the subject, and marks what are only claims."""
    found.acts = _counting(found, found.acts, ties, corridor)
    found.forecasts = _counting(found, found.forecasts, ties, corridor)


def carried_only(found: Sorted, ties: Ties, corridor: Corridor) -> list[Report]:
    """The acts of those who move or keep the subject that count by `ties`."""
    return [r for r in found.acts if _keeps(r, corridor) and _waits_for(r, ties, corridor) is None]


def railway_of(report: Report, corridor: Corridor) -> str | None:
    """The railway that speaks: the sender, or the one that it speaks for."""
    if report.second_hand:
        return report.reported_for if report.reported_for in corridor.railways else None
    return report.party if report.role == "railway" else None


def unheld_ends(acts: Iterable[Report], taken: Iterable[Report], destinations: frozenset[str]) -> list[Report]:
    """The ends of a journey or claim that were reported from where nobody holds the unit.

    A unit is held where it was last, at a destination of its goods, or anywhere once it was delivered; of one that
    nobody has seen yet, by nobody.
    """
    last: str | None = None
    free, unheld = False, []
    for report in sorted([*acts, *taken], key=lambda r: r.order):
        if report.code in ENDS:
            here = report.point is not None and (last == report.point or report.point in destinations)
            if not here and not (free and report.code == "MTRT"):
                unheld.append(report)
                continue
            free = True
        elif report.code in BEGINS:
            free = False
        if report.places:
            last = report.point
    return unheld


def park(found: Sorted, reports: Sequence[Report], waits_for: str) -> None:
    """Puts reports aside with what they wait for."""
    found.parked += [Parked(r.source, r.event_id, waits_for) for r in reports]
    gone = set(reports)
    found.acts = [r for r in found.acts if r not in gone]


def _counting(found: Sorted, reports: Sequence[Report], ties: Ties, corridor: Corridor) -> list[Report]:
    counting = []
    for report in reports:
        waits_for = _waits_for(report, ties, corridor)
        if waits_for is not None:
            found.parked.append(Parked(report.source, report.event_id, waits_for))
        else:
            counting.append(report if _is_fact(report, corridor) else replace(report, claimed=True))
    return counting


def _waits_for(report: Report, ties: Ties, corridor: Corridor) -> str | None:
    railway = railway_of(report, corridor)
    if railway is not None:
        here = corridor.railways_at(report.point) if report.point else frozenset[str]()
        if railway in here | ties.owners or railway in ties.moving(report.instant):
            return None
        return f"a point of {railway}, or a train of {railway} with {ties.subject}"
    if report.role == "terminal" and not report.second_hand:
        return None
    if report.party in ties.booked_by(report.instant):
        return None
    return f"a booking of {report.party} that names {ties.subject}"


def _keeps(report: Report, corridor: Corridor) -> bool:
    return railway_of(report, corridor) is not None or (report.role == "terminal" and not report.second_hand)


def _is_fact(report: Report, corridor: Corridor) -> bool:
    """Whether a report that counts is a fact by its sender's word; a railway's is, also from who speaks for it."""
    if _keeps(report, corridor) or report.classifier != "ACT":
        return True
    role = ROLES.get(report.role)
    return role is not None and not report.second_hand and report.code in role.facts
