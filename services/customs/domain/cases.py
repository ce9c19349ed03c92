"""A customs case: the walk over its statements through the transition table.

Invariant: what a declarant says moves a case only where the table allows it; what it does not is a finding.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

from contracts import catalogue
from contracts.events.declarant import DeclarationLodged
from services.customs.domain.decisions import decide, declare
from services.customs.domain.statements import Counted, of_type
from services.customs.domain.walks import Walk


def walk(start: Walk, statements: Iterable[Counted], as_of: datetime) -> Walk:
    """Takes a case through statements in order of occurrence, up to `as_of`."""
    for one in statements:
        start.pass_limits(one.instant)
        if one.revision.type == catalogue.LODGED:
            _lodged(start, one)
        elif one.revision.type == catalogue.CANCELLED:
            _cancelled(start, one)
        elif one.revision.type == catalogue.DECISION:
            decide(start, one)
    start.pass_limits(as_of)
    return start


def declared(statements: Sequence[Counted]) -> bool:
    """Whether there is any declaration, advance data apart."""
    lodged = of_type(statements, catalogue.LODGED)
    return any(cast(DeclarationLodged, c.data).stage == "declaration" for c in lodged)


def _lodged(case: Walk, one: Counted) -> None:
    data = cast(DeclarationLodged, one.data)
    again = case.state in ("REJECTED", "REFUSED")
    if not _state(case, one, "advise" if data.stage == "advance" else "lodge"):
        return
    case.declarant = one.revision.party
    case.attempt = max(case.attempt + 1, data.attempt) if again else data.attempt
    declare(case, data)


def _cancelled(case: Walk, one: Counted) -> None:
    """A declaration is withdrawn by who lodged it; anybody's word would let one forwarder stop another's goods."""
    if case.declarant not in (None, one.revision.party):
        case.find(one, "NOT_THE_DECLARANT", f"the declaration is of {case.declarant}")
        return
    _state(case, one, "cancel")


def _state(case: Walk, one: Counted, trigger: str) -> bool:
    """Takes the case on by what a declarant says, where the table allows it."""
    following = case.whole.next_state(trigger)
    if following is None:
        case.find(one, "ILLEGAL_TRANSITION", f"{trigger} is not allowed in {case.state}")
        return False
    for line in case.lines.with_whole():
        case.enter(line, following, one, trigger)
    return True
