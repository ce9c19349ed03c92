"""The composition of the customs service."""

from pathlib import Path

from services.chassis.runtime import Blueprint
from services.customs.folder import CustomsFolder
from services.customs.handlers import STREAMS


def blueprint() -> Blueprint:
    """What makes the customs service."""
    return Blueprint("customs", STREAMS, CustomsFolder(), Path(__file__).parent / "migrations")
