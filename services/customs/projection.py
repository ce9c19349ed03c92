"""Customs' fold as the chassis runs it: the pure fold with the corridor data in force, and the rows that doors read."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from contracts.corridor.corridor import load_corridor
from contracts.envelope.codec import Event
from services.chassis.base.database import Connection
from services.chassis.ingest.records import Link
from services.chassis.projection.changes import PictureChange
from services.chassis.projection.fold import Folded, Inputs
from services.customs import links, store, told
from services.customs.domain.fold import FOLD_NUMBER, fold


class CustomsProjection:
    """Which subjects an event names, and how each is folded, with one version of the corridor data."""

    fold_number = FOLD_NUMBER

    def __init__(self, corridor_id: str = "pk-ru", version: int | None = None) -> None:
        self.corridor = load_corridor(corridor_id, version)
        self.data_number = self.corridor.data_number()

    @staticmethod
    def links_of(event: Event) -> Iterator[Link]:
        return links.links_of(event)

    def fold(self, inputs: Inputs, as_of: datetime) -> Folded:
        return fold(inputs, self.corridor, as_of)

    def decides(self, subject: str) -> bool:
        """A refused release stays refused, and what was found of a unit holds until it is told what befell it."""
        return subject.startswith(("case:", "passage:"))

    async def save(self, connection: Connection, changes: Sequence[PictureChange]) -> None:
        await store.save_cases(connection, changes)
        await told.tell(connection, changes)
