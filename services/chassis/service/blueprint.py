"""What makes a service, as its composition says it.

Invariant: a blueprint holds no connection and no state of a run, so one serves any number of copies.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from faststream.kafka import KafkaRouter

from services.chassis.ingest.stream import Stream
from services.chassis.ingest.subscriber import Subscribers
from services.chassis.projection.settle import Projection
from services.chassis.recovery.spoken import Speaker
from services.chassis.service.purge import Rule

if TYPE_CHECKING:
    from services.chassis.service.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What makes a service: name, streams and their subscribers, projection, what it tells, migrations, own loops.

    `prepare` runs before anything is folded. `pending` counts rows of the service's own that are still to be
    worked on, as a statement that gives one number. `purges` say what of its own is taken away by age.
    """

    name: str
    streams: Sequence[Stream]
    routes: Callable[[Subscribers], KafkaRouter]
    projection: Projection
    speaker: Speaker
    migrations: Path
    loops: Sequence[Callable[[Runtime], Awaitable[None]]] = field(default=())
    prepare: Callable[[Runtime], Awaitable[None]] | None = None
    pending: str = "SELECT 0"
    purges: Sequence[Rule] = ()
