"""The subscribers of notifications: which topics it reads, and what becomes of a batch.

Invariant: a subscriber stores its batch and nothing else; what follows from it is the projection's.
"""

from typing import Final

from faststream.kafka import KafkaRouter

from contracts import topics
from services.chassis.ingest.facts import Kept
from services.chassis.ingest.stream import Batch, EntityStream
from services.chassis.ingest.subscriber import Subscribers
from services.notifications.projection import NotificationsProjection

TRACKING: Final = EntityStream("tracking", topics.TRACKING_EVENTS, NotificationsProjection.links_of)
CUSTOMS: Final = EntityStream("customs", topics.CUSTOMS_EVENTS, NotificationsProjection.links_of)
STREAMS: Final = (TRACKING, CUSTOMS)


def routes(subscribers: Subscribers) -> KafkaRouter:
    """What notifications reads."""
    router = KafkaRouter()

    @router.subscriber(**subscribers.options(TRACKING))
    async def tracking(batch: Batch) -> Kept:
        """Pictures and exceptions: the newest replaces the one before, and what it tells to whom is folded."""
        return await batch.store()

    @router.subscriber(**subscribers.options(CUSTOMS))
    async def customs(batch: Batch) -> Kept:
        """Cases, violations and announcements, in the same way."""
        return await batch.store()

    return router
