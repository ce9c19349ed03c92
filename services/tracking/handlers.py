"""The subscribers of tracking: which topics it reads, who may write them, and what becomes of a batch.

Invariant: a subscriber stores its batch and nothing else; what follows from it is the projection's.
"""

from typing import Final

from faststream.kafka import KafkaRouter

from contracts import topics
from services.chassis.ingest.facts import Kept
from services.chassis.ingest.stream import Batch, ReportStream
from services.chassis.ingest.subscriber import Subscribers
from services.tracking.entitlement import entitled
from services.tracking.projection import TrackingProjection

MILESTONES: Final = ReportStream("milestones", topics.MILESTONES, TrackingProjection.links_of, entitled)
STREAMS: Final = (MILESTONES,)


def routes(subscribers: Subscribers) -> KafkaRouter:
    """What tracking reads."""
    router = KafkaRouter()

    @router.subscriber(**subscribers.options(MILESTONES))
    async def milestones(batch: Batch) -> Kept:
        """Reports of operators: each revision is kept, and whom it names is folded."""
        return await batch.store()

    return router
