"""The composition of the tracking service."""

from pathlib import Path

from services.chassis.runtime import Blueprint
from services.tracking.folder import TrackingFolder
from services.tracking.handlers import STREAMS
from services.tracking.store import PURGE_HISTORY


def blueprint() -> Blueprint:
    """What makes the tracking service."""
    migrations = Path(__file__).parent / "migrations"
    return Blueprint("tracking", STREAMS, TrackingFolder(), migrations, purges=(PURGE_HISTORY,))
