"""What a container was for those whose goods it no longer carries.

Invariant: the journey of before is drawn from all that is known of it now, as of the return of the empty that ended it.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from contracts import catalogue
from contracts.corridor import Corridor
from services.chassis.fold import Inputs
from services.tracking.domain import reading

_EVER: Final = datetime(2100, 1, 1, tzinfo=UTC)


def booked(inputs: Inputs) -> list[str]:
    """The consignments that have ever booked a container."""
    return sorted({r.subject for r in inputs.revisions if r.type == catalogue.BOOKED})


def ended(inputs: Inputs, consignments: Collection[str], corridor: Corridor) -> datetime | None:
    """When the last journey ended in which a container carried one of some consignments; None where none has.

    It is the instant at which a fold knows of all that occurred until then, and of nothing that came behind.
    """
    found = reading.read(inputs, corridor, _EVER)
    starts = [
        c.instant for c in found.others if c.revision.type == catalogue.BOOKED and c.revision.subject in consignments
    ]
    returns = sorted(r.instant for r in found.acts if r.code == "MTRT")
    ends = [end for start in starts if (end := next((r for r in returns if r > start), None)) is not None]
    return max(ends) - timedelta(minutes=corridor.thresholds.future_skew_minutes) if ends else None
