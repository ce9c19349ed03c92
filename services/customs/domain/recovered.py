"""What customs has published, as its own topics have it: whose it is, what closes it, and what is remembered of it.

Invariant: what was told is withdrawn when it no longer holds, and a release that was refused stays so.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

import orjson

from contracts import catalogue, topics
from contracts.corridor.corridor import Corridor
from contracts.envelope.codec import Event
from contracts.events.customs import ArrivalAnnounced, CaseChanged, DecisionAnswered, ViolationChanged
from services.chassis.projection.fold import Closing
from services.customs.domain import forms, passage, stored
from services.customs.domain.shared import Memory

_REFUSED: Final = ("refused", "reissue_required")
_ABOUT: Final = "/consignment:"


def owner(event: Event) -> str:
    """The case or passage whose fold published it."""
    data = event.data
    if isinstance(data, CaseChanged | DecisionAnswered):
        return data.case
    if isinstance(data, ArrivalAnnounced):
        return f"passage:{data.consignment}"
    return f"passage:{_consignment(cast(ViolationChanged, data))}"


def closing(event: Event, corridor: Corridor) -> Closing | None:
    """What closes an announcement or a violation that holds; a case is never closed in this way."""
    if event.type not in (catalogue.ARRIVAL, catalogue.VIOLATION):
        return None
    data = orjson.loads(event.body)
    where = _where(data, corridor)
    return None if where is None or data["state"] == "withdrawn" else Closing(where, passage.WITHDRAWN)


def remember(memory: Any, event: Event) -> Any:
    """The memory of a case, as it is stored, with an answer to a release that was refused."""
    answer = event.data
    if not isinstance(answer, DecisionAnswered) or answer.verdict not in _REFUSED:
        return memory
    known = stored.read_memory(memory).refused
    return stored.write_memory(Memory(known | {(answer.source, answer.event_id)}))


def _where(data: Mapping[str, Any], corridor: Corridor) -> tuple[str, ...] | None:
    """The topics on which it was told; None for a law that the corridor has no more."""
    if "announcement" in data:
        return topics.CUSTOMS_EVENTS.name, topics.CUSTOMS_CASES.of(data["country"])
    law = passage.law_of(data, corridor)
    if law is None or data["form"] == "involved":
        return None if law is None else (topics.CUSTOMS_EVENTS.name,)
    return forms.topics_of(law, corridor)


def _consignment(violation: ViolationChanged) -> str:
    """The consignment that a violation is of: its subject, or the goods that are named behind the unit."""
    if violation.subject.startswith("consignment:"):
        return violation.subject
    return f"consignment:{violation.violation.rpartition(_ABOUT)[2]}"
