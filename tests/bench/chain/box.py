"""The load `box`: single milestones of many boxes, as terminals and a railway send them; nothing else is said of them.

Each box is booked before, four to a booking, and has eight milestones in the order in which they occurred. Boxes go
through them in cohorts, step by step: the milestones of one box lie a cohort apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from contracts import catalogue
from contracts.events.fields import utc_text
from tests.bench.chain.load import Load, Marked, Numbers, marked
from tests.faults.report import reported

# Hours before the run, so that no train would have been faster.
_STEPS: Final = (
    (-40, "GTIN", "pk-lahore"),
    (-38, "SEAL", "pk-lahore"),
    (-36, "LOAD", "pk-lahore"),
    (-34, "DEPA", "pk-lahore"),
    (-12, "PASS", "pk-sibi"),
    (-6, "ARRI", "pk-quetta"),
    (-4, "DISC", "pk-quetta"),
    (-2, "LOAD", "pk-quetta"),
)
_COHORT: Final = 500
_BOOKED_TOGETHER: Final = 4
_PARTIES: Final = (("ravi-textiles", "shipper"), ("indus-forwarding", "forwarder"), ("caspian-trading", "consignee"))


def box(count: int, numbers: Numbers) -> Load:
    """Milestones of count / 8 boxes, rounded up."""
    boxes = [numbers.box() for _ in range(-(-count // len(_STEPS)))]
    bookings = [
        _booking(boxes[n : n + _BOOKED_TOGETHER], numbers.other(), numbers)
        for n in range(0, len(boxes), _BOOKED_TOGETHER)
    ]
    cohorts = [boxes[n : n + _COHORT] for n in range(0, len(boxes), _COHORT)]
    measured = [one for cohort in cohorts for one in _through(cohort, numbers)]
    return Load(bookings, measured[:count])


def _booking(boxes: Sequence[str], number: int, numbers: Numbers) -> Marked:
    at = numbers.began - timedelta(hours=48)
    data = {
        "occurred_at": utc_text(at),
        "route_variant": "R1",
        "origin": "pk-lahore",
        "destination": "ru-astrakhan",
        "containers": list(boxes),
        "parties": [{"party": party, "role": role} for party, role in _PARTIES],
    }
    subject = f"consignment:indus-forwarding/BB{number}"
    return marked(reported(at, "indus-forwarding", catalogue.BOOKED, f"BKD-{number}", subject, data))


def _through(boxes: Sequence[str], numbers: Numbers) -> Iterator[Marked]:
    for hours, code, point in _STEPS:
        for one in boxes:
            at = numbers.instant(numbers.began + timedelta(hours=hours))
            data = {"code": code, "classifier": "ACT", "occurred_at": utc_text(at), "point": point}
            identity = f"{code}-{point}-{one.partition(':')[2]}"
            yield marked(reported(at, "pr", catalogue.MILESTONE, identity, one, data))
