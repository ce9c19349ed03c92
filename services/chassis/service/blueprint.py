"""The parts from which a service is composed.

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
from services.chassis.projection.folding import Projection
from services.chassis.recovery.published_state import PublishedState
from services.chassis.service.purge import Rule

if TYPE_CHECKING:
    from services.chassis.service.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Blueprint:
    """The parts of a service: name, streams and subscribers, projection, published state, migrations, own loops.

    `prepare` runs before anything is folded. `purges` are the rules for its own tables.
    """

    name: str
    streams: Sequence[Stream]
    routes: Callable[[Subscribers], KafkaRouter]
    projection: Projection
    published: PublishedState
    migrations: Path
    loops: Sequence[Callable[[Runtime], Awaitable[None]]] = field(default=())
    prepare: Callable[[Runtime], Awaitable[None]] | None = None
    purges: Sequence[Rule] = ()
