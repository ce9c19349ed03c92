"""The composition of the customs service."""

from functools import partial
from pathlib import Path

from contracts import topics
from services.chassis.recovery.spoken import Entities
from services.chassis.service.runtime import Blueprint
from services.customs.domain import recalled
from services.customs.folder import CustomsFolder
from services.customs.handlers import STREAMS, routes


def blueprint() -> Blueprint:
    """What makes the customs service."""
    folder = CustomsFolder()
    closing = partial(recalled.closing, corridor=folder.corridor)
    speaker = Entities((topics.CUSTOMS_EVENTS, topics.CUSTOMS_CASES), recalled.owner, closing, recalled.remember)
    return Blueprint("customs", STREAMS, routes, folder, speaker, Path(__file__).parent / "migrations")
