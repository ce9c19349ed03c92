"""The composition of the tracking service."""

from pathlib import Path

from contracts import topics
from services.chassis.recovery.spoken import Entities
from services.chassis.service.blueprint import Blueprint
from services.tracking.domain import recalled
from services.tracking.handlers import STREAMS, routes
from services.tracking.projection import TrackingProjection
from services.tracking.store import PURGE_HISTORY


def blueprint() -> Blueprint:
    """What makes the tracking service."""
    speaker = Entities((topics.TRACKING_EVENTS,), recalled.owner, recalled.closing)
    migrations = Path(__file__).parent / "migrations"
    return Blueprint("tracking", STREAMS, routes, TrackingProjection(), speaker, migrations, purges=(PURGE_HISTORY,))
