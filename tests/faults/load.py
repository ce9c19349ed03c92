"""The load of a run under faults: what is sent, in the order in which it is sent.

Invariant: the same seed and number of journeys give the same sends. What is right and what is refused is known of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tests.faults import mess, papers, voyage
from tests.faults.evidence import Send
from tests.faults.report import wire

_BAD_EACH = (len(mess.BAD) + 1) // 2


def sends(seed: int, journeys: int) -> list[Send]:
    """Everything that parties send of so many journeys."""
    every = [pair for number in range(journeys) for pair in _journey(seed, number, journeys)]
    # Of one instant, what was drawn first goes first: a sort is stable.
    return [send for _, send in sorted(every, key=lambda pair: pair[0])]


def _journey(seed: int, number: int, journeys: int) -> Iterator[tuple[datetime, Send]]:
    one = voyage.voyage(number, seed)
    truth = [*voyage.reports(one), *papers.reports(one)]
    for report in mess.muddled(one, truth):
        yield report.at, wire(report)
    for report, send in mess.spoilt(one, truth, _reasons(number, journeys)):
        yield report.at, send


def _reasons(number: int, journeys: int) -> tuple[str, ...]:
    """Half of the reasons in turn, all of them where there is one journey only."""
    if journeys == 1:
        return mess.BAD
    start = number % 2 * _BAD_EACH
    return mess.BAD[start : start + _BAD_EACH]
