"""What customs has published, brought back to the cases and passages that published it.

Invariant: what was told is remembered as its own fold would: it is withdrawn when it no longer holds, and a release
that was refused stays so.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, cast

import orjson

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.envelope.codec import Event
from contracts.events.customs import ArrivalAnnounced, CaseChanged, DecisionAnswered, ViolationChanged
from contracts.identifiers.subjects import parse_case
from services.customs.domain.passage import LEFT_WITHOUT_PERMISSION

_REFUSED: Final = ("refused", "reissue_required")
_STAMPS: Final = frozenset({"version", "previous_version", "recorded_at", "as_of", "redrawn"})
_ABOUT: Final = "/consignment:"

Memory = Mapping[str, Any] | None


def owner(event: Event) -> str:
    """The case or passage whose fold published it."""
    data = event.data
    if isinstance(data, CaseChanged | DecisionAnswered):
        return data.case
    if isinstance(data, ArrivalAnnounced):
        return f"passage:{data.consignment}"
    return f"passage:{_consignment(cast(ViolationChanged, data))}"


def remember(memory: Memory, event: Event, corridor: Corridor) -> Memory:
    """The memory of that case or passage with it."""
    return _READERS[event.type](memory, event, corridor)


def _case(memory: Memory, event: Event, corridor: Corridor) -> Memory:
    return {**(memory or {}), "told": True}


def _answer(memory: Memory, event: Event, corridor: Corridor) -> Memory:
    answer = cast(DecisionAnswered, event.data)
    if answer.verdict not in _REFUSED:
        return memory
    known = {(s, e) for s, e in (memory or {}).get("refused", ())} | {(answer.source, answer.event_id)}
    return {**(memory or {}), "refused": sorted(list(pair) for pair in known)}


def _arrival(memory: Memory, event: Event, corridor: Corridor) -> Memory:
    held = cast(ArrivalAnnounced, event.data).state != "withdrawn"
    return _told(memory, event.subject, _without(event, _STAMPS), held=held)


def _violation(memory: Memory, event: Event, corridor: Corridor) -> Memory:
    violation = cast(ViolationChanged, event.data)
    law = _law_of(violation, corridor)
    if law is None:
        return memory
    entry = _without(event, _STAMPS | {"form", "state"}) | {"jurisdiction": law}
    return _told(memory, violation.violation, entry, held=violation.state != "withdrawn")


def _told(memory: Memory, name: str, entry: Mapping[str, Any], *, held: bool) -> Memory:
    """What was told, and whether it still held."""
    known = dict(memory["known"]) if memory else {}
    now = [n for n in memory["now"] if n != name] if memory else []
    return {"known": known | {name: dict(entry)}, "now": [*now, name] if held else now}


def _without(event: Event, names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in orjson.loads(event.body).items() if name not in names}


def _consignment(violation: ViolationChanged) -> str:
    """The consignment that a violation is of: its subject, or the goods that are named behind the unit."""
    if violation.subject.startswith("consignment:"):
        return violation.subject
    return f"consignment:{violation.violation.rpartition(_ABOUT)[2]}"


def _law_of(violation: ViolationChanged, corridor: Corridor) -> str | None:
    """The law that was broken: that of the case; where there is none, of the side of the border that it is named by.

    None where the corridor has no such border any more.
    """
    if violation.case:
        return parse_case(violation.case).jurisdiction
    named = violation.violation.split("/")[1:2]
    border = next((b for b in corridor.borders if [b.key] == named), None)
    if border is None:
        return None
    side = border.exit if violation.rule == LEFT_WITHOUT_PERMISSION else border.entry
    return side.customs.jurisdiction if side.customs else None


_READERS: Final[Mapping[str, Callable[[Memory, Event, Corridor], Memory]]] = MappingProxyType(
    {
        catalogue.CASE: _case,
        catalogue.ANSWER: _answer,
        catalogue.ARRIVAL: _arrival,
        catalogue.VIOLATION: _violation,
    }
)
