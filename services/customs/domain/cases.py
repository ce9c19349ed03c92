"""A customs case: the walk over its statements through the transition table.

Invariant: what the table does not allow is a finding and moves nothing, unless a national system says so: its
word is the law and counts, with the finding. A refused release never becomes effective by itself: that it was
refused is kept for good, whatever becomes of its case in between.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.events.authority import DecisionIssued
from contracts.events.declarant import DeclarationLodged
from contracts.events.fields import moment, utc_text
from contracts.identifiers.subjects import Case
from services.customs.domain.holds import Hold
from services.customs.domain.statements import Counted, of_type, zone_of
from services.customs.domain.transitions import NOT_FILED, next_state, target

_UNDECLARED = (NOT_FILED, "PRE_ADVISED")


@dataclass(slots=True)
class Walk:
    """A case on its way through the statements; `refused` begins as what earlier folds have refused.

    `amended` has the declaration that each amendment takes over.
    `office_in` is the country whose authority named the office, None where the declarant did.
    """

    case: Case
    corridor: Corridor
    holds: Sequence[Hold]
    refused: set[tuple[str, str]]
    declared: bool
    amended: Mapping[tuple[str, str], Counted] = field(default_factory=dict)
    state: str = NOT_FILED
    since: datetime | None = None
    declarant: str | None = None
    attempt: int = 1
    number: str | None = None
    office: str | None = None
    office_in: str | None = None
    limit: str | None = None
    guarantee: Any = None
    containers: tuple[str, ...] = ()
    wagons: tuple[str, ...] = ()
    steps: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def limit_instant(self) -> datetime | None:
        """When the limit of a transit passes, while it runs."""
        if self.limit is None or self.state != "IN_TRANSIT":
            return None
        return moment(self.limit, zone_of(self.case.jurisdiction, self.corridor))

    def next_state(self, trigger: str) -> str | None:
        """Where a trigger leads from here; None where the table does not allow it."""
        en_route = any(step["state"] == "IN_TRANSIT" for step in self.steps)
        return next_state(self.state, trigger, self.case.procedure, en_route=en_route)


def walk(start: Walk, statements: Iterable[Counted], as_of: datetime) -> Walk:
    """Takes a case through statements in order of occurrence, up to `as_of`."""
    for one in statements:
        _pass_limit(start, one.instant)
        if one.revision.type == catalogue.LODGED:
            _lodged(start, one)
        elif one.revision.type == catalogue.CANCELLED:
            _cancelled(start, one)
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
    case.declarant = one.revision.party
    case.attempt = max(case.attempt + 1, data.attempt) if again else data.attempt
    _declare(case, data)


def _declare(case: Walk, data: DeclarationLodged) -> None:
    """Takes over what a declaration says."""
    case.number = data.number or case.number
    if data.office:
        case.office, case.office_in = data.office, None
    case.guarantee = data.guarantee.model_dump(mode="json") if data.guarantee else case.guarantee
    case.containers = tuple(sorted(data.containers)) or case.containers
    case.wagons = tuple(sorted(data.wagons)) or case.wagons


def _cancelled(case: Walk, one: Counted) -> None:
    """A declaration is withdrawn by who lodged it; anybody's word would let one forwarder stop another's goods."""
    if case.declarant not in (None, one.revision.party):
        _finding(case, one, "NOT_THE_DECLARANT", f"the declaration is of {case.declarant}")
        return
    _move(case, one, "cancel", None)


def _decided(case: Walk, one: Counted) -> None:
    data = cast(DecisionIssued, one.data)
    transcribed = data.origin == "transcribed"
    if case.next_state(data.decision) is None and not transcribed:
        _not_allowed(case, one, data.decision)
        return
    if data.decision == "release" and not _may_release(case, one, transcribed):
        return
    _take_effect(case, one, data)
    _verdict(case, one, "effective")


def _not_allowed(case: Walk, one: Counted, decision: str) -> None:
    """A decision waits for a declaration that is not there yet; against one that is there it is a conflict."""
    if case.state in _UNDECLARED and not case.declared:
        _verdict(case, one, "waiting", detail="no declaration is known for this case")
        return
    detail = f"{decision} is not allowed in {case.state}"
    if case.state in _UNDECLARED:
        detail += ": the declaration is dated later"
    _finding(case, one, "ILLEGAL_TRANSITION", detail)
    _verdict(case, one, "conflict", detail=detail)


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
    if one.revision.identity in case.refused:
        _verdict(case, one, "reissue_required", detail="it was refused; issue the release again")
        return False
    return True


def _take_effect(case: Walk, one: Counted, data: DecisionIssued) -> None:
    _move(case, one, data.decision, data.origin, by_law=data.origin == "transcribed")
    case.number = data.number or case.number
    if data.office:
        case.office, case.office_in = data.office, one.revision.country
    if (amended := case.amended.get(one.revision.identity)) is not None:
        _declare(case, cast(DeclarationLodged, amended.data))
    if data.decision in ("start_transit", "extend"):
        # A limit that has passed bounds nothing any more once the transit is let go on without a new one.
        case.limit = data.limit or (case.limit if _is_ahead(case, one.instant) else None)


def _is_ahead(case: Walk, instant: datetime) -> bool:
    limit = case.limit_instant
    return limit is not None and limit >= instant


def _move(case: Walk, one: Counted, trigger: str, origin: str | None, *, by_law: bool = False) -> bool:
    following = case.next_state(trigger)
    if following is None:
        _finding(case, one, "ILLEGAL_TRANSITION", f"{trigger} is not allowed in {case.state}")
        following = target(trigger, case.case.procedure) if by_law else None
    if following is None:
        return False
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
        # A limit may be set that has passed already, and several may pass one after the other.
        passed = max(limit, case.since) if case.since else limit
        _enter(case, "OVERDUE", passed, ("urn:corridor:customs", f"limit {utc_text(passed)}"), "overdue", None)


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
        "updated_at": utc_text(one.revision.updated_at),
        "holds": list(holds),
        "detail": detail,
        "state": case.state,
    }
    case.verdicts.append({name: value for name, value in shown.items() if value not in (None, [])})
