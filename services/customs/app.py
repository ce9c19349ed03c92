"""The composition of the customs service."""

from functools import partial
from pathlib import Path

from contracts import topics
from services.chassis.recovery.published_state import Entities
from services.chassis.service.blueprint import Blueprint
from services.customs.domain import recovered
from services.customs.handlers import STREAMS, routes
from services.customs.projection import CustomsProjection


def blueprint() -> Blueprint:
    """What makes the customs service."""
    projection = CustomsProjection()
    closing = partial(recovered.closing, corridor=projection.corridor)
    published = Entities((topics.CUSTOMS_EVENTS, topics.CUSTOMS_CASES), recovered.owner, closing, recovered.remember)
    return Blueprint("customs", STREAMS, routes, projection, published, Path(__file__).parent / "migrations")
