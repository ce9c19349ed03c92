"""What readiness believes of lag and queues."""

from __future__ import annotations

import pytest

from services.chassis.service.monitor import Backlog, Progress

NOW = 1000.0


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        (Progress(NOW, None, None), (True, True)),
        (Progress(NOW, NOW - 5, NOW - 5), (True, True)),
        (Progress(NOW, NOW - 61, None), (False, True)),
        (Progress(NOW, None, NOW - 61), (True, False)),
        (Progress(NOW - 16, None, None), (False, False)),
        (Progress(), (False, False)),
    ],
    ids=["idle", "busy", "stuck", "lagging", "old reading", "no reading"],
)
def test_a_copy_keeps_up_while_queues_and_lag_go_within_their_limit(
    progress: Progress, expected: tuple[bool, bool]
) -> None:
    assert (progress.settles(NOW), progress.keeps_up(NOW)) == expected


def looked_at(*looks: tuple[int | None, int]) -> Backlog:
    """A queue that was looked at once a second, from second 1 on: its first and last number each time."""
    backlog = Backlog()
    for second, (first, last) in enumerate(looks, start=1):
        backlog.look(first, last, float(second))
    return backlog


@pytest.mark.parametrize(
    ("backlog", "since"),
    [
        (looked_at((None, 0)), None),
        (looked_at((5, 9)), 1),
        (looked_at((5, 9), (8, 20)), 1),
        (looked_at((5, 9), (10, 20)), 2),
        (looked_at((5, 9), (None, 0), (30, 30)), 3),
        (looked_at((5, 9), (5, 40), (5, 80)), 1),
        (looked_at((500, 900), (5, 9)), 2),
    ],
    ids=["empty", "new", "not through yet", "moves on", "was empty", "stuck", "begins again"],
)
def test_a_queue_is_as_old_as_what_is_first_in_it(backlog: Backlog, since: float | None) -> None:
    """Under a steady load a queue is never found empty, and yet nothing waits for long."""
    assert backlog.since == since
