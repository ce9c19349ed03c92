"""A decision of customs on a case: whether it counts, what it moves, and the verdict on it.

Invariant: what the table does not allow moves nothing, unless a national system says so: its word is the law and
counts, with a finding, but never takes a case back. A refused release never becomes effective by itself: that it was
refused is kept for good, whatever becomes of its case in between.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast

from contracts.events.authority import DecisionIssued
from contracts.events.declarant import DeclarationLodged
from contracts.identifiers.subjects import kind_of
from services.customs.domain.lines import IN_PART, Line, limit_instant
from services.customs.domain.shared import SealMark
from services.customs.domain.statements import Counted
from services.customs.domain.transitions import NOT_FILED, target
from services.customs.domain.walks import Walk, open_holds

_UNDECLARED = (NOT_FILED, "PRE_ADVISED")
# Decisions that let goods go, which an open hold stops.
_LETS_GO: Final = ("release", "let_out")


def decide(case: Walk, one: Counted) -> None:
    """Lets a decision take effect, or says why it does not."""
    data = cast(DecisionIssued, one.data)
    by_law = data.origin == "transcribed"
    named = tuple(sorted({*data.containers, *data.wagons}))
    if by_law and _is_echo(case, data, named):
        case.rule(one, "effective", detail="it was told before; an echo moves nothing")
        return
    if not _is_in_place(case, one, by_law) or not _has_units(case, one, named, by_law):
        return
    lines = _lines(case, data.decision, named)
    if not lines and not by_law:
        _not_allowed(case, one, data.decision, named)
        return
    if data.decision in _LETS_GO and not _may_let_go(case, one, named, by_law):
        return
    _take_effect(case, one, data, named, lines)
    case.rule(one, "effective")


def _is_echo(case: Walk, data: DecisionIssued, named: tuple[str, ...]) -> bool:
    """Whether a national system says again what has been decided, with the same number or in other words."""
    if (data.decision, data.national_number or "", named) in case.told:
        return True
    lines = [case.lines.at(unit) for unit in named] or [case.whole]
    again = (line.next_state(data.decision) is None and line.has_taken(data.decision) for line in lines)
    return data.decision != "amend" and all(again)


def _is_in_place(case: Walk, one: Counted, by_law: bool) -> bool:
    """Whether the office makes this decision, in a law that several countries share."""
    if one.revision.identity not in case.setting.misplaced:
        return True
    detail = f"it is not {one.revision.country} where this is decided on these goods"
    case.find(one, "WRONG_OFFICE", detail)
    if not by_law:
        case.rule(one, "conflict", detail=detail)
    return by_law


def _has_units(case: Walk, one: Counted, named: Sequence[str], by_law: bool) -> bool:
    """Whether the case is about the units that a decision names; nobody may have said yet which it has."""
    known = case.units
    alike = [unit for unit in named if known and kind_of(unit) == kind_of(known[0])]
    strange = [unit for unit in alike if unit not in known]
    if strange:
        detail = f"the case is not about {', '.join(strange)}"
        case.find(one, "UNIT_NOT_DECLARED", detail)
        if not by_law:
            case.rule(one, "conflict", detail=detail)
    return by_law or not strange


def _lines(case: Walk, decision: str, named: Sequence[str]) -> list[Line]:
    """What a decision moves: none where the table does not allow it, or not for all units that are named."""
    if named:
        can = all(case.lines.at(unit).next_state(decision) is not None for unit in named)
        return [case.lines.of(unit) for unit in named] if can else []
    lines = case.lines.all() if case.whole.next_state(decision) is None else case.lines.with_whole()
    return [line for line in lines if line.next_state(decision) is not None]


def _not_allowed(case: Walk, one: Counted, decision: str, named: Sequence[str]) -> None:
    """A decision waits for a declaration that is not there yet; against one that is there it is a conflict."""
    if case.state in _UNDECLARED and not case.setting.declared:
        case.rule(one, "waiting", detail="no declaration is known for this case")
        return
    states = sorted({case.lines.at(unit).state for unit in named}) or [case.state]
    detail = f"{decision} is not allowed in {', '.join(states)}"
    if case.state in _UNDECLARED:
        detail += ": the declaration is dated later"
    case.find(one, "ILLEGAL_TRANSITION", detail)
    case.rule(one, "conflict", detail=detail)


def _may_let_go(case: Walk, one: Counted, named: Sequence[str], by_law: bool) -> bool:
    """Whether goods are let go; an open hold on them stops our own form, and contradicts a national one."""
    stopping = open_holds(case.setting.holds_on(named or _held_with(case)), case.case.jurisdiction, one.ends)
    names = [h.hold for h in stopping]
    if by_law:
        if stopping:
            case.find(one, "RELEASE_UNDER_HOLD", f"released nationally under {', '.join(names)}")
        return True
    if stopping:
        case.refused.add(one.revision.identity)
        case.rule(one, "refused", names, f"open holds: {', '.join(names)}")
        return False
    if one.revision.identity in case.refused:
        case.rule(one, "reissue_required", detail="it was refused; issue the release again")
        return False
    return True


def _held_with(case: Walk) -> list[str]:
    """The units whose holds stop the case as a whole: all but containers that its declaration does not name."""
    named = case.containers
    return [u for u in case.setting.on_units if not named or u in named or kind_of(u) != "container"]


def _take_effect(case: Walk, one: Counted, data: DecisionIssued, named: tuple[str, ...], lines: Sequence[Line]) -> None:
    by_law = data.origin == "transcribed"
    if by_law:
        case.told.add((data.decision, data.national_number or "", named))
    moved = list(lines) or _by_law(case, one, data.decision, named)
    if _in_part(case, one, data, named):
        for line in moved:
            line.enter(line.state, one.begins, one.ends, IN_PART, line.since or one.instant)
    else:
        for line in moved:
            case.enter(line, _following(line, data.decision), one, data.decision, data.origin)
    if data.decision in ("start_transit", "extend"):
        for line in moved:
            _limit(case, line, data, one.instant)
    _join(case, one, data)
    case.number = data.number or case.number
    if data.office:
        case.office, case.office_in = data.office, one.revision.country
    if (amended := case.setting.amended.get(one.revision.identity)) is not None:
        declare(case, cast(DeclarationLodged, amended.data))
    case.seals += [SealMark(one.instant, seal.number, seal.removed, named) for seal in data.seals]


def _following(line: Line, decision: str) -> str:
    following = line.next_state(decision) or target(line.state, decision, line.procedure)
    return cast(str, following)


def _by_law(case: Walk, one: Counted, decision: str, named: Sequence[str]) -> list[Line]:
    """What a decision moves that the table does not allow, since it was made in a national system."""
    lines = [case.lines.of(unit) for unit in named] if named else case.lines.with_whole()
    states = ", ".join(sorted({line.state for line in lines}))
    case.find(one, "ILLEGAL_TRANSITION", f"{decision} is not allowed in {states}")
    possible = (line.next_state(decision) or target(line.state, decision, line.procedure) for line in lines)
    return [line for line, following in zip(lines, possible, strict=True) if following is not None]


def _in_part(case: Walk, one: Counted, data: DecisionIssued, named: Sequence[str]) -> bool:
    """Whether a case is written off in part without a word of what: it stays open for the rest."""
    if named or (data.decision, data.reason) != ("discharge", "PARTIAL"):
        return False
    case.find(one, "PARTIAL_WITHOUT_UNITS", "it does not say what is written off")
    return True


def _join(case: Walk, one: Counted, data: DecisionIssued) -> None:
    """The case goes with its units once all of them have been decided on, and those that are left stand together."""
    common = case.lines.common(case.units)
    if common is not None and common != case.state:
        limits = next(line for line in case.lines.apart.values() if line.state == common)
        case.whole.set_limit(limits.limit, limits.limit_instant)
        case.enter(case.whole, common, one, data.decision, data.origin)


def _limit(case: Walk, line: Line, data: DecisionIssued, instant: datetime) -> None:
    if data.limit:
        line.set_limit(data.limit, limit_instant(data.limit, case.setting.zones(data.limit_office)))
    elif line.limit_instant is None or line.limit_instant < instant:
        # A limit that has passed bounds nothing any more once the transit is let go on without a new one.
        line.set_limit(None, None)


def declare(case: Walk, data: DeclarationLodged) -> None:
    """Takes over what a declaration says."""
    case.number = data.number or case.number
    if data.office:
        case.office, case.office_in = data.office, None
    case.guarantee = data.guarantee.model_dump(mode="json") if data.guarantee else case.guarantee
    case.containers = tuple(sorted(data.containers)) or case.containers
    case.wagons = tuple(sorted(data.wagons)) or case.wagons
