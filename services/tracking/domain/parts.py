"""A consignment in parts: how many of its units are where, and what that makes of the whole.

Invariant: a consignment is delivered when all of its units are; what is said of the whole against that is kept and
flagged.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from contracts.events.tracking import Status
from contracts.identifiers.subjects import kind_of
from contracts.roles import ENDS
from services.tracking.domain import exceptions, picture
from services.tracking.domain.bookings import Standing
from services.tracking.domain.visits import Fact

Member = Mapping[str, Any]

_COUNTED: Final = {"planned": "planned", "under_way": "in_transit", "at_point": "at_point", "delivered": "delivered"}


def status_of(booking: Standing | None, members: Sequence[Member], facts: Sequence[Fact], origin: str | None) -> Status:
    """The status of a consignment: what its containers say; for goods without any, what is told of themselves."""
    if booking is None:
        return "unknown"
    if booking.data.status == "cancelled":
        return "cancelled"
    inside = [m["status"] for m in _containers(members)]
    early = not_left(members, origin)
    own = picture.status_of(True, [f for f in facts if not (early and f.lead.code in ENDS)])
    if own == "delivered" or not inside or set(inside) <= {"planned", "unknown"}:
        return own
    if "in_transit" in inside:
        return "in_transit"
    if "at_point" in inside:
        return "at_point"
    return "delivered" if set(inside) == {"delivered"} else "partly_delivered"


def counts_of(status: str, members: Sequence[Member]) -> dict[str, int] | None:
    """How many units are planned, under way, at a point and delivered; None without units."""
    if not members:
        return None
    told = Counter("delivered" if status == "delivered" else m["status"] for m in members)
    return {name: told[shown] for name, shown in _COUNTED.items()}


def not_yet(
    consignment: str, members: Sequence[Member], facts: Sequence[Fact], origin: str | None
) -> list[dict[str, Any]]:
    """The whole was said to be delivered, and some of its boxes were never seen to leave."""
    ends = [f for f in facts if f.lead.code in ENDS and not f.lead.claimed and f.lead.via is None]
    return exceptions.of_facts("PHYSICAL_ORDER", consignment, ends[:1]) if not_left(members, origin) else []


def not_left(members: Sequence[Member], origin: str | None) -> bool:
    """Whether some container has not been seen to leave where the journey begins."""
    boxes = _containers(members)
    return any(m["status"] == "planned" or (m["status"] == "at_point" and m.get("point") == origin) for m in boxes)


def _containers(members: Sequence[Member]) -> list[Member]:
    return [m for m in members if kind_of(m["subject"]) == "container"]
