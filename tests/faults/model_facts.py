"""The facts of the model: lines of a timeline, in their order.

Invariant: a fact says what happened, where, when, who says so, and how sure that is; plain values throughout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from contracts import catalogue
from contracts.corridor.corridor import load_corridor
from contracts.events.fields import moment, utc_text
from contracts.events.operator import MilestoneReported
from contracts.milestones.lookup import rank
from tests.faults.stated import Disagreement, Stated

CORRIDOR: Final = load_corridor("pk-ru")
DATA_CONFLICT: Final = "DATA_CONFLICT"
IDENTITY_MISMATCH: Final = "IDENTITY_MISMATCH"


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a timeline; `via` is the train that it was inherited from, `also` who else reported it."""

    code: str
    point: str | None
    at: datetime
    party: str
    confidence: str = "observed"
    via: str | None = None
    also: tuple[str, ...] = ()
    disputed: bool = False

    @property
    def order(self) -> tuple[datetime, int]:
        # A frontier has been crossed before the train arrives behind it.
        return self.at, -1 if self.confidence == "inferred" else rank(self.code)

    def shown(self) -> list[Any]:
        line = (self.code, self.point, utc_text(self.at), self.party, self.confidence, self.via)
        return [*line, sorted(self.also), self.disputed]


@dataclass(frozen=True, slots=True)
class Span:
    """An interval [start, end) on or in something."""

    on: str
    start: datetime
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)

    def shown(self, relation: str) -> list[Any]:
        return [relation, self.on, utc_text(self.start), utc_text(self.end) if self.end else None]


def milestones(counting: Iterable[Stated], kind: str) -> Iterator[tuple[Stated, MilestoneReported]]:
    """The milestones of subjects of a kind."""
    for one in counting:
        if one.type == catalogue.MILESTONE and one.subject.startswith(f"{kind}:"):
            yield one, one.data


def instant(data: Any) -> datetime:
    """When it occurred; a bare date counts to its end in the point's zone."""
    point = getattr(data, "point", None)
    return moment(data.occurred_at, CORRIDOR.zone(point) if point else UTC)


def occurred(data: Any, as_of: datetime) -> bool:
    """Whether it has occurred by then, as far as clocks can be trusted."""
    return instant(data) <= as_of + timedelta(minutes=CORRIDOR.thresholds.future_skew_minutes)


def own_facts(reports: Sequence[tuple[Stated, MilestoneReported]]) -> list[Fact]:
    """One fact for each code at each point: the best-placed party tells it, the others are beside it."""
    groups: dict[tuple[str, str | None], list[tuple[Stated, MilestoneReported]]] = {}
    for one, data in reports:
        groups.setdefault((data.code, data.point), []).append((one, data))
    return [_fact(sorted(group, key=_standing)) for group in groups.values()]


def _fact(group: Sequence[tuple[Stated, MilestoneReported]]) -> Fact:
    (one, data), *others = group
    far = timedelta(minutes=CORRIDOR.thresholds.conflict_tolerance_minutes)
    return Fact(
        data.code,
        data.point,
        instant(data),
        one.party,
        "second_hand" if _is_told(one, data) else "observed",
        also=tuple(other.party for other, _ in others),
        disputed=any(abs(instant(said) - instant(data)) > far for _, said in others),
    )


def _standing(report: tuple[Stated, MilestoneReported]) -> tuple[bool, bool]:
    """The railway of the point first, then the other side; second-hand last."""
    one, data = report
    return _is_told(one, data), data.point is None or CORRIDOR.responsible_railway(data.point) != one.party


def _is_told(one: Stated, data: MilestoneReported) -> bool:
    return data.reported_for is not None and data.reported_for != one.party


def inherited(facts: Iterable[Fact], span: Span) -> Iterator[Fact]:
    """What happened to a train while something was in it; its being composed concerns itself alone."""
    for fact in facts:
        if fact.code != "COMP" and span.holds(fact.at):
            yield replace(fact, via=span.on, also=(), disputed=False)


def timeline(facts: Iterable[Fact]) -> dict[str, Any]:
    """The timeline and the latest of it."""
    ordered = sorted(facts, key=lambda fact: fact.order)
    last = ordered[-1] if ordered else None
    return {
        "timeline": [fact.shown() for fact in ordered],
        "latest": [last.code, last.point, utc_text(last.at)] if last else None,
    }


def contradicted(subject: str, against: Iterable[Disagreement]) -> bool:
    return any(one.subject == subject for one in against)
