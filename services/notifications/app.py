"""The composition of the notifications service."""

from pathlib import Path

from services.chassis.service.blueprint import Blueprint
from services.notifications import audiences, sequencer
from services.notifications.handlers import STREAMS, routes
from services.notifications.projection import NotificationsProjection
from services.notifications.recovered import Feeds
from services.notifications.store import PURGE_ITEMS

_PENDING = "SELECT count(*) FROM item WHERE sequence IS NULL"


def blueprint() -> Blueprint:
    """What makes the notifications service."""
    return Blueprint(
        "notifications",
        STREAMS,
        routes,
        NotificationsProjection(),
        Feeds(),
        Path(__file__).parent / "migrations",
        loops=(sequencer.run, audiences.run),
        prepare=audiences.refresh,
        pending=_PENDING,
        purges=(PURGE_ITEMS,),
    )
