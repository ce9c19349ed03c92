"""An independent, slow, simple model of what the pictures must show of a set of accepted reports.

Invariant: it knows the contracts, the corridor data and the parties file, and nothing of the services. It is right for
what `load` sends: one stay at each point, reports of one thing by each party once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.envelope.codec import Event
from tests.faults.model_cargo import Cargo
from tests.faults.model_cases import cases
from tests.faults.model_trains import Trains
from tests.faults.stated import stated

View = Mapping[str, Any]


def views(events: Sequence[Event], as_of: datetime) -> dict[str, dict[str, View]]:
    """What tracking and customs must show of each subject and case that the reports name."""
    counting, against = stated(events)
    trains = Trains(counting, against, as_of)
    cargo = Cargo(counting, against, trains, _named(events))
    return {"tracking": {**trains.views(), **cargo.views()}, "customs": cases(counting, cargo, as_of)}


def _named(events: Iterable[Event]) -> set[str]:
    """Every subject that any revision is about, whether it counts or not."""
    return {event.subject for event in events}
