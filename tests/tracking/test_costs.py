"""What a fold costs grows with what is reported, not with its square: the work is counted, not timed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.tracking.domain.visits import _nearest

START = datetime(2026, 6, 22, tzinfo=UTC)


def slow(instant: datetime, starts: list[datetime], ends: list[datetime]) -> int:
    """The same by looking at every stay."""

    def distance(index: int) -> tuple[timedelta, int]:
        return max(starts[index] - instant, instant - ends[index], timedelta()), index

    return min(range(len(starts)), key=distance)


@given(cuts=st.lists(st.integers(0, 60), min_size=2, max_size=12), at=st.integers(-5, 65))
def test_the_nearest_stay_is_the_one_that_a_look_at_all_would_find(cuts: list[int], at: int) -> None:
    cuts = sorted(cuts)[: len(cuts) // 2 * 2]
    starts = [START + timedelta(hours=h) for h in cuts[::2]]
    ends = [START + timedelta(hours=h) for h in cuts[1::2]]
    instant = START + timedelta(hours=at)

    assert _nearest(instant, starts, ends) == slow(instant, starts, ends)
