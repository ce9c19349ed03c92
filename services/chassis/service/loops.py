"""Makes the loops of a service from its blueprint.

Invariant: services, tests and the bench use the same loops.
"""

from collections.abc import Callable

from services.chassis.base.clock import CorridorClock
from services.chassis.base.database import Pool
from services.chassis.base.parties import PartyBook
from services.chassis.base.restore_detection import RestoreDetector
from services.chassis.ingest.consumer import Ingest
from services.chassis.ingest.stream import EntityStream
from services.chassis.projection.settle import Settle
from services.chassis.service.blueprint import Blueprint


def new_settle(
    blueprint: Blueprint,
    pool: Pool,
    clock: CorridorClock,
    subjects: int = 250,
    on_commit: Callable[[], None] = lambda: None,
    mark: RestoreDetector | None = None,
) -> Settle:
    """The loop that folds; a round takes at most `subjects` queue rows."""
    ours = [stream.topic.name for stream in blueprint.streams if isinstance(stream, EntityStream)]
    return Settle(blueprint.name, blueprint.projection, pool, clock, ours, subjects, on_commit, mark)


def new_ingests(
    blueprint: Blueprint,
    pool: Pool,
    clock: CorridorClock,
    book: PartyBook,
    on_commit: Callable[[], None] = lambda: None,
    quarantine_limit: int = 5,
) -> list[Ingest]:
    """The loops that read, one for each stream."""
    return [
        Ingest(blueprint.name, stream, pool, clock, book, on_commit, quarantine_limit) for stream in blueprint.streams
    ]
