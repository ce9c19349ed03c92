"""Which office decides what, and by which clock its limits run.

Invariant: of a transit that several countries share, that in which it begins lets goods in, and that in which it ends
discharges it; where nobody knows the way of the goods, each may.
"""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from typing import Final, cast
from zoneinfo import ZoneInfo

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.events.authority import DecisionIssued
from contracts.identifiers.subjects import Case
from services.customs.domain.shared import Consignment
from services.customs.domain.statements import Counted, zones_in
from services.customs.domain.ways import ways_between

_BEGINNING: Final = frozenset({"accept", "reject", "release", "refuse"})
_ENDING: Final = frozenset({"let_out", "discharge"})


def misplaced(
    case: Case, about: Consignment, counted: Iterable[Counted], corridor: Corridor
) -> frozenset[tuple[str, str]]:
    """The decisions that another country's office makes on these goods."""
    ends = _ends(case, about, corridor)
    if ends is None:
        return frozenset()
    decided = (c for c in counted if c.revision.type == catalogue.DECISION and c.revision.country)
    return frozenset(c.revision.identity for c in decided if not _is_in_place(c, *ends))


def _is_in_place(one: Counted, first: str, last: str) -> bool:
    decision = cast(DecisionIssued, one.data).decision
    if decision in _BEGINNING:
        return one.revision.country == first
    return decision not in _ENDING or one.revision.country == last


def _ends(case: Case, about: Consignment, corridor: Corridor) -> tuple[str, str] | None:
    """The countries in which a shared transit begins and ends; None for a law of one country, or an unknown way."""
    sharing = corridor.countries(case.jurisdiction)
    if len(sharing) == 1 or not about.known:
        return None
    found = set()
    for way in ways_between(about.origin, about.destination, about.route_variant, corridor):
        passed = [c for key in way.stretch() if (c := corridor.point(key).country) in sharing]
        found.add((passed[0], passed[-1]) if passed else None)
    return found.pop() if len(found) == 1 else None


def zones_of(jurisdiction: str, office: str | None, *, corridor: Corridor) -> Sequence[tzinfo]:
    """The zones in which a limit of a law may be meant: that of its office; without one, all where the law rules."""
    point = corridor.resolve(office) if office else None
    return (point.zone_info,) if point else zones_in(corridor, corridor.countries(jurisdiction)) or (ZoneInfo("UTC"),)
