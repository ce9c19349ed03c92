"""The composition of the notifications service."""

from pathlib import Path

from services.chassis.service.blueprint import Blueprint
from services.notifications import audiences
from services.notifications.feeds import PURGE_DELIVERIES, PURGE_ITEMS
from services.notifications.handlers import STREAMS, routes
from services.notifications.projection import NotificationsProjection
from services.notifications.recovered import Feeds


def blueprint() -> Blueprint:
    """What makes the notifications service."""
    return Blueprint(
        "notifications",
        STREAMS,
        routes,
        NotificationsProjection(),
        Feeds(),
        Path(__file__).parent / "migrations",
        loops=(audiences.run,),
        prepare=audiences.refresh,
        purges=(PURGE_ITEMS, PURGE_DELIVERIES),
    )
