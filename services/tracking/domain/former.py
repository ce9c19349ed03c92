"""What a container was for those whose goods it no longer carries.

Invariant: the journey of before is drawn from all that is known of it now, as of the return of the empty that ended it.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from services.chassis.projection.fold import Inputs
from services.tracking.domain import reading

_EVER: Final = datetime(2100, 1, 1, tzinfo=UTC)
_HOLDERS: Final = ("railway", "terminal")
# So many journeys with others are looked through.
_MOST: Final = 8


def booked(inputs: Inputs) -> list[str]:
    """The consignments that have ever booked a container."""
    return sorted({r.subject for r in inputs.revisions if r.type == catalogue.BOOKED})


def ended(inputs: Inputs, consignments: Collection[str], corridor: Corridor) -> list[datetime]:
    """When the last journeys may have ended in which a container carried one of some consignments, the newest first.

    Each is the instant at which a fold knows of all that occurred until then, and of nothing that came behind.
    """
    found = reading.read(inputs, corridor, _EVER)
    booked = [c for c in found.others if c.revision.type == catalogue.BOOKED and c.revision.subject in consignments]
    first = min((c.instant for c in booked), default=_EVER)
    returns = {r.instant for r in found.acts if r.code == "MTRT" and r.role in _HOLDERS and r.instant > first}
    skew = timedelta(minutes=corridor.thresholds.future_skew_minutes)
    return [instant - skew for instant in sorted(returns, reverse=True)[:_MOST]]
