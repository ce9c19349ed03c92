"""The composition of the tracking service."""

from pathlib import Path

from contracts import topics
from services.chassis.recovery.published_state import Entities
from services.chassis.service.blueprint import Blueprint
from services.tracking.domain import recovered
from services.tracking.handlers import STREAMS, routes
from services.tracking.projection import TrackingProjection
from services.tracking.store import PURGE_HISTORY


def blueprint() -> Blueprint:
    """What makes the tracking service."""
    published = Entities((topics.TRACKING_EVENTS,), recovered.owner, recovered.closing)
    migrations = Path(__file__).parent / "migrations"
    return Blueprint("tracking", STREAMS, routes, TrackingProjection(), published, migrations, purges=(PURGE_HISTORY,))
