"""Makes the loops of a service from its blueprint.

Invariant: services, tests and the bench use the same loops.
"""

from collections.abc import Callable

from services.chassis.base.clock import CorridorClock
from services.chassis.base.database import Pool
from services.chassis.base.parties import PartyBook
from services.chassis.base.restore_detection import RestoreDetector
from services.chassis.ingest.consumer import Fold, Ingest
from services.chassis.ingest.stream import EntityStream
from services.chassis.projection.folding import Folding
from services.chassis.projection.settle import Settle
from services.chassis.queue import fold_queue
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
    has_replicas = any(isinstance(stream, EntityStream) for stream in blueprint.streams)
    folding = Folding(blueprint.name, blueprint.projection, clock, has_replicas, mark)
    return Settle(folding, pool, subjects, on_commit)


def new_ingests(
    blueprint: Blueprint,
    pool: Pool,
    clock: CorridorClock,
    book: PartyBook,
    on_commit: Callable[[bool], None] = lambda _: None,
    quarantine_limit: int = 5,
    fold: Fold = fold_queue.add,
) -> list[Ingest]:
    """The loops that read, one for each stream; `fold` is given the subjects that each batch names."""
    return [
        Ingest(blueprint.name, stream, pool, clock, book, on_commit, quarantine_limit, fold)
        for stream in blueprint.streams
    ]
