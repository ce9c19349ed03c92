"""A customs case: the walk over its statements through the transition table.

Invariant: what the table does not allow is a finding and moves nothing, unless a national system says so: its
word is the law and counts, with the finding. A refused release never becomes effective by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from contracts import catalogue
from contracts.corridor import Corridor
from contracts.events.authority import DecisionIssued
from contracts.events.declarant import DeclarationLodged
from contracts.fields import moment, utc_text
from contracts.subjects import Case
from services.customs.domain.holds import Hold
from services.customs.domain.statements import Counted, of_type, zone_of
from services.customs.domain.transitions import NOT_FILED, next_state, target

_UNDECLARED = (NOT_FILED, "PRE_ADVISED")


@dataclass(slots=True)
class Walk:
    """A case on its way through the statements."""

    case: Case
    corridor: Corridor
    holds: Sequence[Hold]
    refused_before: frozenset[tuple[str, str]]
    state: str = NOT_FILED
    since: datetime | None = None
    attempt: int = 1
    number: str | None = None
    office: str | None = None
    limit: str | None = None
    guarantee: Any = None
    containers: tuple[str, ...] = ()
    wagons: tuple[str, ...] = ()
    steps: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    refused: set[tuple[str, str]] = field(default_factory=set)

    @property
    def limit_instant(self) -> datetime | None:
        """When the limit of a transit passes, while it runs."""
        if self.limit is None or self.state != "IN_TRANSIT":
            return None
        return moment(self.limit, zone_of(self.case.jurisdiction, self.corridor))


def walk(start: Walk, statements: Iterable[Counted], as_of: datetime) -> Walk:
    """Takes a case through statements in order of occurrence, up to `as_of`."""
    for one in statements:
        _pass_limit(start, one.instant)
        if one.revision.type == catalogue.LODGED:
            _lodged(start, one)
        elif one.revision.type == catalogue.CANCELLED:
            _move(start, one, "cancel", None)
        elif one.revision.type == catalogue.DECISION:
            _decided(start, one)
    _pass_limit(start, as_of)
    return start


def open_holds(holds: Iterable[Hold], jurisdiction: str, instant: datetime) -> list[Hold]:
    """The holds that stop a case of a jurisdiction at an instant."""
    return [h for h in holds if h.rules_in(jurisdiction) and h.open_at(instant)]


def declared(statements: Sequence[Counted]) -> bool:
    """Whether there is any declaration, advance data apart."""
    lodged = of_type(statements, catalogue.LODGED)
    return any(cast(DeclarationLodged, c.data).stage == "declaration" for c in lodged)


def _lodged(case: Walk, one: Counted) -> None:
    data = cast(DeclarationLodged, one.data)
    again = case.state in ("REJECTED", "REFUSED")
    if not _move(case, one, "advise" if data.stage == "advance" else "lodge", None):
        return
    case.attempt = max(case.attempt + 1, data.attempt) if again else data.attempt
    case.number = data.number or case.number
    case.office = data.office or case.office
    case.guarantee = data.guarantee.model_dump(mode="json") if data.guarantee else case.guarantee
    case.containers = tuple(sorted(data.containers)) or case.containers
    case.wagons = tuple(sorted(data.wagons)) or case.wagons


def _decided(case: Walk, one: Counted) -> None:
    data, identity = cast(DecisionIssued, one.data), one.revision.identity
    transcribed = data.origin == "transcribed"
    if case.state in _UNDECLARED and data.decision != "cancel" and not transcribed:
        _verdict(case, one, "waiting", detail="no declaration is known for this case")
        return
    allowed = next_state(case.state, data.decision, case.case.procedure) is not None
    if not allowed and not transcribed:
        _finding(case, one, "ILLEGAL_TRANSITION", f"{data.decision} is not allowed in {case.state}")
        _verdict(case, one, "conflict", detail=f"{data.decision} is not allowed in {case.state}")
        return
    if data.decision == "release" and not _may_release(case, one, transcribed):
        return
    _take_effect(case, one, data)
    _verdict(case, one, "effective")
    case.refused.discard(identity)


def _may_release(case: Walk, one: Counted, transcribed: bool) -> bool:
    """Whether a release counts; an open hold stops our own form, and contradicts a national one."""
    stopping = open_holds(case.holds, case.case.jurisdiction, one.instant)
    names = [h.hold for h in stopping]
    if transcribed:
        if stopping:
            _finding(case, one, "RELEASE_UNDER_HOLD", f"released nationally under {', '.join(names)}")
        return True
    if stopping:
        case.refused.add(one.revision.identity)
        _verdict(case, one, "refused", names, f"open holds: {', '.join(names)}")
        return False
    if one.revision.identity in case.refused_before:
        case.refused.add(one.revision.identity)
        _verdict(case, one, "reissue_required", detail="it was refused; issue the release again")
        return False
    return True


def _take_effect(case: Walk, one: Counted, data: DecisionIssued) -> None:
    _move(case, one, data.decision, data.origin, by_law=data.origin == "transcribed")
    case.number = data.number or case.number
    case.office = data.office or case.office
    if data.decision in ("start_transit", "extend"):
        case.limit = data.limit or case.limit


def _move(case: Walk, one: Counted, trigger: str, origin: str | None, *, by_law: bool = False) -> bool:
    following = next_state(case.state, trigger, case.case.procedure)
    if following is None:
        _finding(case, one, "ILLEGAL_TRANSITION", f"{trigger} is not allowed in {case.state}")
        if not by_law:
            return False
        following = target(trigger, case.case.procedure)
    _enter(case, following, one.instant, one.revision.identity, trigger, origin)
    return True


def _enter(
    case: Walk, state: str, instant: datetime, identity: tuple[str, str], trigger: str, origin: str | None
) -> None:
    case.state, case.since = state, instant
    step = {
        "state": state,
        "instant": utc_text(instant),
        "decision": trigger,
        "origin": origin,
        "source": identity[0],
        "event_id": identity[1],
    }
    case.steps.append({name: value for name, value in step.items() if value is not None})


def _pass_limit(case: Walk, instant: datetime) -> None:
    limit = case.limit_instant
    if limit is not None and limit < instant:
        _enter(case, "OVERDUE", limit, ("urn:corridor:customs", "limit"), "overdue", None)


def _finding(case: Walk, one: Counted, finding: str, detail: str) -> None:
    source, event_id = one.revision.identity
    case.findings.append(
        {
            "finding": finding,
            "detail": detail,
            "instant": utc_text(one.instant),
            "source": source,
            "event_id": event_id,
        }
    )


def _verdict(case: Walk, one: Counted, verdict: str, holds: Sequence[str] = (), detail: str | None = None) -> None:
    source, event_id = one.revision.identity
    shown = {
        "source": source,
        "event_id": event_id,
        "decision": cast(DecisionIssued, one.data).decision,
        "verdict": verdict,
        "instant": utc_text(one.instant),
        "holds": list(holds),
        "detail": detail,
        "state": case.state,
    }
    case.verdicts.append({name: value for name, value in shown.items() if value not in (None, [])})
