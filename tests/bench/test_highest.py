"""The search for the highest rate, against a chain whose highest rate is known."""

from __future__ import annotations

import pytest

from tests.bench.chain.highest import highest_rate
from tests.bench.chain.live import Lived


@pytest.mark.parametrize("start", [10.0, 90.0, 400.0])
async def test_it_comes_within_a_tenth(start: float) -> None:
    async def keeps_up(rate: float) -> bool:
        return rate <= 100

    low, high = await highest_rate(keeps_up, start, 20)

    assert high is not None
    assert low <= 100 < high <= low * 1.1


async def test_nothing_is_kept_up_with() -> None:
    async def keeps_up(_: float) -> bool:
        return False

    assert await highest_rate(keeps_up, 8, 20) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("waiting", "rest_seconds", "bounded"),
    [
        ([(n, 50) for n in range(30)], 1.0, True),
        ([(n, 200 * n) for n in range(30)], 1.0, False),
        ([(n, 50) for n in range(30)], 9.0, False),
    ],
    ids=["steady", "growing", "behind at the end"],
)
def test_queues_that_grow_are_told_from_those_that_do_not(
    waiting: list[tuple[float, int]], rest_seconds: float, bounded: bool
) -> None:
    lived = Lived(20, 30, {}, {}, {}, {}, waiting, rest_seconds)

    assert lived.bounded is bounded
