"""The composition of the tracking service."""

from pathlib import Path

from services.chassis.runtime import Blueprint
from services.tracking.folder import TrackingFolder
from services.tracking.handlers import STREAMS


def blueprint() -> Blueprint:
    """What makes the tracking service."""
    return Blueprint("tracking", STREAMS, TrackingFolder(), Path(__file__).parent / "migrations")
