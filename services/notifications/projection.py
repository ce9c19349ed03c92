"""Notifications' fold as the chassis runs it: with the corridor data in force and the parties that there are."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from contracts.corridor.corridor import load_corridor
from contracts.envelope.codec import Event
from services.chassis.base.database import Connection
from services.chassis.base.parties import Party
from services.chassis.base.visibility import Audience, viewer_of
from services.chassis.ingest.records import Link
from services.chassis.projection.changes import PictureChange
from services.chassis.projection.fold import Folded, Inputs
from services.notifications import feeds, links, store
from services.notifications.domain.fold import FOLD_NUMBER, fold


class NotificationsProjection:
    """Which entities an event names, and how each is folded, for the parties that were last set.

    `digest` names these parties, `queued_for` those for which this copy has last had every picture queued.
    """

    fold_number = FOLD_NUMBER

    def __init__(self, corridor_id: str = "pk-ru", version: int | None = None) -> None:
        self.corridor = load_corridor(corridor_id, version)
        self.data_number = self.corridor.data_number()
        self.digest = ""
        self.queued_for = ""
        self._audience = Audience(())
        self._late_after = timedelta(hours=self.corridor.thresholds.late_hours)

    def set_parties(self, parties: Sequence[Party]) -> None:
        """The parties to work audiences out with."""
        viewers = [viewer_of(p) for p in parties]
        self._audience = Audience(viewers)
        text = repr(sorted(viewers, key=lambda v: v.party))
        self.digest = hashlib.sha256(text.encode()).hexdigest()[:32]

    @staticmethod
    def links_of(event: Event) -> Iterator[Link]:
        return links.links_of(event)

    def fold(self, inputs: Inputs, as_of: datetime) -> Folded:
        return fold(inputs, self._audience, self.corridor, as_of)

    def decides(self, subject: str) -> bool:
        """Nothing here is for good."""
        return False

    async def save(self, connection: Connection, changes: Sequence[PictureChange]) -> None:
        await store.save_rows(connection, changes)
        await feeds.deliver(connection, changes, self._late_after)
