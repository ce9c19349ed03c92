"""Tracking's fold as the chassis runs it: the pure fold with the corridor data in force, and the history rows."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from contracts.corridor.corridor import load_corridor
from contracts.corridor.durations import load_durations
from contracts.envelope.codec import Event
from services.chassis.base.database import Connection
from services.chassis.ingest.records import Link
from services.chassis.projection.changes import PictureChange
from services.chassis.projection.fold import Folded, Inputs
from services.tracking import links, store
from services.tracking.domain.fold import FOLD_NUMBER, fold


class TrackingProjection:
    """Which subjects an event names, and how each is folded, with one version of the corridor data."""

    fold_number = FOLD_NUMBER

    def __init__(self, corridor_id: str = "pk-ru", version: int | None = None) -> None:
        self.corridor = load_corridor(corridor_id, version)
        durations = load_durations(corridor_id)
        self.data_number = self.corridor.data_number() * 1000 + (durations.version if durations else 0)

    @staticmethod
    def links_of(event: Event) -> Iterator[Link]:
        return links.links_of(event)

    def fold(self, inputs: Inputs, as_of: datetime) -> Folded:
        return fold(inputs, self.corridor, as_of)

    def decides(self, subject: str) -> bool:
        """Nothing here is for good."""
        return False

    async def save(self, connection: Connection, changes: Sequence[PictureChange]) -> None:
        await store.insert_history(connection, changes, self.corridor)
