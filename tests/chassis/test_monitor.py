"""What readiness believes of lag and queues."""

from __future__ import annotations

import pytest

from services.chassis.monitor import Progress

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
