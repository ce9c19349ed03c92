"""The composition of the customs service."""

from functools import partial
from pathlib import Path

from contracts import topics
from services.chassis.recovery.spoken import Entities
from services.chassis.service.blueprint import Blueprint
from services.customs.domain import recalled
from services.customs.handlers import STREAMS, routes
from services.customs.projection import CustomsProjection


def blueprint() -> Blueprint:
    """What makes the customs service."""
    projection = CustomsProjection()
    closing = partial(recalled.closing, corridor=projection.corridor)
    speaker = Entities((topics.CUSTOMS_EVENTS, topics.CUSTOMS_CASES), recalled.owner, closing, recalled.remember)
    return Blueprint("customs", STREAMS, routes, projection, speaker, Path(__file__).parent / "migrations")
