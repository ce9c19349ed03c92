"""The subscribers of customs: which topics it reads, who may write them, and what becomes of a batch.

Invariant: a subscriber stores its batch and nothing else; what follows from it is the projection's.
"""

from typing import Final

from faststream.kafka import KafkaRouter

from contracts import topics
from contracts.envelope.codec import Event
from contracts.identifiers.subjects import kind_of, parse_case
from contracts.refusal import refused
from services.chassis.base.parties import Party
from services.chassis.ingest.facts import Kept
from services.chassis.ingest.stream import Batch, EntityStream, ReportStream
from services.chassis.ingest.subscriber import Subscribers
from services.customs.projection import CustomsProjection
from services.customs.stand_in import hold_while_quarantined


def may_declare(event: Event, party: Party) -> None:
    """Any declarant may declare for any consignment: whose it is may not be known here yet."""


def may_decide(event: Event, party: Party) -> None:
    """Raises `Refused` for a decision or hold on a case of another jurisdiction."""
    if kind_of(event.subject) == "case" and parse_case(event.subject).jurisdiction not in party.jurisdictions:
        law = parse_case(event.subject).jurisdiction
        raise refused("not_entitled", "$.subject", f"{party.party} does not decide for {law}")


DECLARATIONS: Final = ReportStream("declarations", topics.DECLARATIONS, CustomsProjection.links_of, may_declare)
DECISIONS: Final = ReportStream(
    "decisions", topics.DECISIONS, CustomsProjection.links_of, may_decide, hold_while_quarantined
)
TRACKING: Final = EntityStream("tracking", topics.TRACKING_EVENTS, CustomsProjection.links_of)
STREAMS: Final = (DECLARATIONS, DECISIONS, TRACKING)


def routes(subscribers: Subscribers) -> KafkaRouter:
    """What customs reads; a file of declarations delays no decision, since each has a consumer of its own."""
    router = KafkaRouter()

    @router.subscriber(**subscribers.options(DECLARATIONS))
    async def declarations(batch: Batch) -> Kept:
        """Declarations lodged and cancelled: each revision is kept, and its case is folded."""
        return await batch.store()

    @router.subscriber(**subscribers.options(DECISIONS))
    async def decisions(batch: Batch) -> Kept:
        """Decisions and holds of authorities: each revision is kept, and what it rules on is folded."""
        return await batch.store()

    @router.subscriber(**subscribers.options(TRACKING))
    async def tracking(batch: Batch) -> Kept:
        """Pictures of units, consignments and references: the newest replaces the one before."""
        return await batch.store()

    return router
