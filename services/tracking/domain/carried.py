"""What a container was to the goods that it carried on a journey that is over.

Invariant: what is told of a journey that is over is what its own picture told while it was the current one: as the
container goes on with other goods, nothing that was seen of the goods before is lost to who goes by it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.corridor.corridor import Corridor
from contracts.events.fields import utc_text
from contracts.roles import ENDS
from services.tracking.domain import budgets, physical
from services.tracking.domain.associations import Interval
from services.tracking.domain.claims import Claim, Claims
from services.tracking.domain.reports import Report
from services.tracking.domain.visits import Fact, facts_of

_SHOWN = ("code", "point", "occurred_at", "instant", "confidence", "seals")


@dataclass(frozen=True, slots=True)
class Journey:
    """A journey that is over: behind the return of the empty that ended the one before, up to the one that ended it."""

    after: datetime | None
    end: datetime

    def has(self, instant: datetime) -> bool:
        return (self.after is None or self.after < instant) and instant <= self.end


def journeys(returns: Sequence[datetime]) -> Iterator[Journey]:
    """The journeys that the returns of the empty have ended, oldest first."""
    for number, end in enumerate(returns):
        yield Journey(returns[number - 1] if number else None, end)


def carried(
    returns: Sequence[datetime],
    held: Claims,
    reports: Sequence[Report],
    wagons: Sequence[Interval],
    corridor: Corridor,
) -> dict[str, Mapping[str, Any]]:
    """What was seen of each consignment that the container carried on a journey that is over, and carries no more."""
    found: dict[str, Mapping[str, Any]] = {}
    for journey in journeys(returns):
        claims = [c for c in held.held if c.end is not None and journey.has(c.end)]
        if not claims:
            continue
        facts = facts_of((r for r in reports if journey.has(r.instant)), corridor)
        physical.mark(facts)
        physical.impossible(facts, corridor)
        on_wagons = [w for w in wagons if w.start <= journey.end and (w.end is None or _behind(journey, w.end))]
        for consignment in {c.consignment for c in claims}:
            found[consignment] = _told(consignment, claims, journey, facts, on_wagons)
    still = {c.consignment for c in held.held if c.end is None or not returns or c.end > returns[-1]}
    return {consignment: one for consignment, one in found.items() if consignment not in still}


def _behind(journey: Journey, instant: datetime) -> bool:
    return journey.after is None or instant > journey.after


def _told(
    consignment: str, claims: Sequence[Claim], journey: Journey, facts: Sequence[Fact], wagons: Sequence[Interval]
) -> dict[str, Any]:
    mine = [c for c in claims if c.consignment == consignment]
    start, end = min(c.start for c in mine), max(c.end or journey.end for c in mine)
    earlier = [c.end for c in claims if c.consignment != consignment and c.end is not None]
    since = max((e for e in (*earlier, journey.after) if e is not None and e <= start), default=journey.after)
    inside = [f for f in facts if (since is None or since < f.lead.instant) and f.lead.instant <= end]
    shown = {
        "since": utc_text(since) if since else None,
        "start": utc_text(start),
        "end": utc_text(end),
        "moves": [_move(f) for f in inside if _bears(f)][-budgets.FACTS_SHOWN :],
        "wagons": [w.as_json("on_wagon") for w in wagons],
    }
    return {name: value for name, value in shown.items() if value is not None}


def _bears(fact: Fact) -> bool:
    """Whether it moved, delivered or sealed the container."""
    if fact.lead.claimed or fact.out_of_order:
        return False
    return fact.movement is not None or fact.lead.code in ENDS or bool(fact.lead.extras.get("seals"))


def _move(fact: Fact) -> dict[str, Any]:
    shown = {name: fact.lead.shown[name] for name in _SHOWN if name in fact.lead.shown}
    train = fact.lead.extras.get("train") or fact.lead.via
    return shown | ({"train": train} if train and str(train).startswith("train:") else {})
