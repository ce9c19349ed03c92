"""One report as it counts: which revision of it, about whom, where and when.

Invariant: what a revision says depends on its content and the corridor data alone.
"""

from datetime import datetime
from typing import NamedTuple

from contracts.events.base import Data
from services.chassis.projection.fold import StoredRevision
from services.tracking.domain.reports import Report


class Counted(NamedTuple):
    """One identity's revision that counts: its data, whom it names, where, when, and from when on it counts.

    `report` is there for a milestone; `unknown_point` for a point that nobody knows yet.
    """

    revision: StoredRevision
    data: Data
    names: frozenset[str]
    point: str | None
    instant: datetime
    counts_from: datetime
    report: Report | None
    unknown_point: str | None
