"""What lies ahead of a subject on its route, and what lies behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from contracts.corridor.corridor import load_corridor
from contracts.corridor.durations import load_durations
from services.tracking.domain.eta.ahead import Here, Stay, Stretch, passed, slowness, stretches
from services.tracking.domain.eta.estimates import arrivals, looked_at

R1 = load_corridor("pk-ru").variant("R1")
_LOADED = load_durations("pk-ru")
assert _LOADED is not None
KNOWN = _LOADED
AT = datetime(2026, 7, 1, tzinfo=UTC)


def ahead(point: str, moving: bool, destination: str = "ru-astrakhan") -> list[Stretch]:
    return list(stretches(R1, KNOWN, Here(point, AT, moving), destination))


def test_who_stands_at_a_call_has_the_rest_of_the_stay_and_all_legs_behind_it_ahead() -> None:
    first, second, *_, last = ahead("pk-quetta", moving=False)
    assert (first.begun, first.arrives) == (True, None)
    assert (second.begun, second.arrives) == (False, "pk-taftan")
    assert last.arrives == "ru-astrakhan"


def test_who_has_left_a_call_is_on_the_leg_behind_it() -> None:
    first, second, *_ = ahead("pk-quetta", moving=True)
    assert (first.begun, first.arrives, second.arrives) == (True, "pk-taftan", None)


def test_a_point_on_the_way_shares_its_leg_by_its_place_in_it() -> None:
    whole, *_ = ahead("pk-quetta", moving=True)
    half, *_ = ahead("pk-dalbandin", moving=True)
    assert half.spread.median == pytest.approx(whole.spread.median / 2)
    assert half.arrives == "pk-taftan"


def test_a_destination_on_the_way_ends_the_way_there() -> None:
    *_, last = ahead("pk-quetta", moving=True, destination="pk-nushki")
    assert last.arrives == "pk-nushki"
    assert last.spread.median == pytest.approx(KNOWN.legs["pk-quetta>pk-taftan"].median / 4)


@pytest.mark.parametrize(
    ("point", "destination"),
    [("ru-astrakhan", "ru-astrakhan"), ("pk-karachi", "ru-astrakhan"), ("kz-bolashak", "pk-quetta")],
)
def test_nothing_is_ahead_at_the_end_off_the_route_and_against_it(point: str, destination: str) -> None:
    assert ahead(point, moving=False, destination=destination) == []


def test_only_what_has_both_its_ends_has_passed() -> None:
    stays = {
        "pk-lahore": Stay(None, AT),
        "pk-quetta": Stay(AT + timedelta(hours=60), AT + timedelta(hours=63)),
        "pk-taftan": Stay(None, AT + timedelta(hours=110)),
    }
    assert list(passed(R1, stays)) == [("pk-lahore>pk-quetta", 60.0), ("pk-quetta", 3.0)]


def test_who_was_slow_is_expected_later_where_journeys_keep_their_pace() -> None:
    paced = KNOWN.model_copy(update={"pace": 0.8})
    here = Here("pk-quetta", AT, moving=True)
    slow = list(passed(R1, {"pk-lahore": Stay(None, AT - timedelta(hours=140)), "pk-quetta": Stay(AT, None)}))
    usual, late = (arrivals(R1, paced, here, "pk-taftan", behind, AT)[0] for behind in ((), slow))
    assert slowness(slow, paced) > 0 and late.range.expected > usual.range.expected


def test_the_range_holds_what_is_expected_and_widens_with_the_way() -> None:
    found = arrivals(R1, KNOWN, Here("pk-lahore", AT, moving=True), "ru-astrakhan", (), AT)
    assert [one.point for one in found] == list(R1.calls[1:])
    widths = [one.range.latest - one.range.earliest for one in found]
    assert all(AT <= r.earliest <= r.expected <= r.latest for r in (one.range for one in found))
    assert widths == sorted(widths)


def test_an_overdue_subject_is_looked_at_after_one_two_and_four_hours() -> None:
    def hours(late: float) -> tuple[datetime | None, datetime | None]:
        return looked_at(AT, AT + timedelta(hours=late))

    one, two, four = (AT + timedelta(hours=h) for h in (1, 2, 4))
    assert hours(-5) == (None, one)
    assert hours(1.5) == (one, two)
    assert hours(3.9) == (two, four)


def test_who_does_not_come_is_expected_later_and_later() -> None:
    here = Here("pk-quetta", AT, moving=True)
    expected = [
        arrivals(R1, KNOWN, here, "pk-taftan", (), AT + timedelta(hours=h))[0].range.expected for h in range(0, 400, 20)
    ]
    # A sum is known by two moments, so its median is off by an hour or so while little has passed.
    assert all(later > earlier - timedelta(hours=2) for earlier, later in pairwise(expected))
    assert expected[-1] > AT + timedelta(hours=400)
