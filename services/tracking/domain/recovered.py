"""What tracking has published, as its own topics have it: whose it is, and what closes it.

Invariant: an exception that was told to be open is closed when its subject has it no more.
"""

from typing import cast

from contracts import catalogue, topics
from contracts.envelope.codec import Event
from contracts.events.tracking import ExceptionChanged
from services.chassis.projection.fold import Closing
from services.tracking.domain.fold import CLOSED


def owner(event: Event) -> str:
    """The subject whose fold published it."""
    return cast(ExceptionChanged, event.data).subject if event.type == catalogue.EXCEPTION else event.subject


def closing(event: Event) -> Closing | None:
    """What closes an exception that is open; a picture is never closed."""
    if event.type != catalogue.EXCEPTION or cast(ExceptionChanged, event.data).state != "open":
        return None
    return Closing((topics.TRACKING_EVENTS.name,), CLOSED)
