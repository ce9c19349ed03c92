"""The truth of the journey: what the issue asks of it, and that its customs rules are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from contracts.corridor.corridor import load_corridor
from contracts.identifiers.subjects import parse
from deploy.demo.scenario.cargo import CONTAINERS, GOODS, LEFT_BEHIND, ON_BOARD
from deploy.demo.scenario.journey import journey
from deploy.demo.scenario.model import ROUTE, RUN, Case
from deploy.demo.scenario.timetable import PR, RAI, TRK

CORRIDOR = load_corridor("pk-ru")


def test_what_travels_is_what_was_announced() -> None:
    truth = journey()

    assert len(set(CONTAINERS)) == 31
    assert len(truth.consignments) == 8
    assert len(GOODS) == 2
    assert sorted(b for c in truth.consignments for b in c.containers) == sorted(CONTAINERS)
    assert [train.railway for train in truth.trains] == ["pr", "rai", "trk", "ktz", "rzd"]


def test_every_number_is_one_that_the_contracts_take() -> None:
    truth = journey()

    keys = {w.key for train in truth.trains for w in train.wagons} | {t.key for t in truth.trains}
    keys |= {*CONTAINERS, RUN, *(c.key for c in truth.cases), *(c.key for c in truth.consignments)}

    assert {parse(key) for key in keys} == keys


def test_wagons_are_others_on_each_gauge_and_the_same_from_sarakhs_on() -> None:
    trains = {train.key: [w.key for w in train.wagons] for train in journey().trains}

    counts = [len(trains[PR]), len(trains[RAI]), len(trains[TRK])]
    assert counts == [18, 12, 17]
    assert not set(trains[PR]) & set(trains[RAI])
    assert not set(trains[RAI]) & set(trains[TRK])
    assert len({tuple(wagons) for wagons in trains.values()}) == 3


def test_one_box_stays_at_zahedan() -> None:
    done = [h.code for h in sorted(journey().handlings, key=lambda h: h.by.at) if h.subject == LEFT_BEHIND]

    assert done[-2:] == ["GCIN", "DISC"]
    assert LEFT_BEHIND not in ON_BOARD
    assert len(ON_BOARD) == 30


def test_the_plan_is_the_corridors() -> None:
    calls = journey().plan[RUN]

    hours = [offset.arrive_hours for offset in CORRIDOR.variant(ROUTE).planned_offsets()][1:]
    departure = calls[0].departure
    assert departure is not None
    assert [call.arrival for call in calls[1:]] == [departure + timedelta(hours=h) for h in hours if h is not None]


def test_trains_pass_the_points_of_the_route_in_order() -> None:
    points = [movement.point for train in journey().trains for movement in train.movements]

    route = CORRIDOR.variant(ROUTE).points
    places = [route.index(point) for point in points]
    assert places == sorted(places)
    assert set(points) == set(route)


def test_nothing_happens_before_what_it_follows() -> None:
    movements = [m for train in journey().trains for m in train.movements]

    assert all(one.by.at < other.by.at for one, other in pairwise(movements))


def test_the_clocks_run_backwards_at_mirjaveh() -> None:
    movements = {(m.code, m.point): m.by for train in journey().trains for m in train.movements}
    left, came = movements["DEPA", "pk-taftan"], movements["BARR", "ir-mirjaveh"]

    assert (left.text, came.text) == ("2026-06-27T10:00:00+05:00", "2026-06-27T09:00:00+03:30")
    assert left.at < came.at


def _state_at(case: Case, instant: datetime) -> str:
    lodged = [(lodging.by.at, lodging.stage) for lodging in case.lodgings]
    steps = sorted([*lodged, *((r.by.at, r.state) for r in case.rulings)])
    return next((state for at, state in reversed(steps) if at <= instant), "")


@pytest.mark.parametrize("border", CORRIDOR.borders_of(ROUTE), ids=lambda b: b.key)
def test_nobody_leaves_a_border_without_permission(border: object) -> None:
    border = next(b for b in CORRIDOR.borders_of(ROUTE) if b is border)
    departures = {m.point: m.by.at for t in journey().trains for m in t.movements if m.code == "DEPA"}
    zone_end = max(border.entry_zone, key=CORRIDOR.variant(ROUTE).index)

    for point, side, allowed in (
        (border.exit.point, border.exit, {"DISCHARGED"}),
        (zone_end, border.entry, {"RELEASED", "IN_TRANSIT"}),
    ):
        if side.customs:
            ruled = (side.customs.jurisdiction, side.customs.procedure)
            cases = [c for c in journey().cases if (c.jurisdiction, c.procedure) == ruled]
            assert len(cases) == 8
            assert {_state_at(case, departures[point]) for case in cases} <= allowed


def test_no_hold_is_open_at_a_release() -> None:
    truth = journey()

    for hold in truth.holds:
        for case in (c for c in truth.cases if c.key in hold.cases):
            released = next(r.by.at for r in case.rulings if r.decision == "release")
            accepted = next(r.by.at for r in case.rulings if r.decision == "accept")
            assert accepted < hold.placed.at < hold.lifted.at < released


def test_customs_of_five_countries_decide_every_kind_of_thing() -> None:
    truth = journey()

    decisions = {r.decision for case in truth.cases for r in case.rulings}
    wanted = {"accept", "reject", "review", "inspect", "inspected", "release", "start_transit", "present", "discharge"}
    assert decisions == wanted
    assert {r.by.party for case in truth.cases for r in case.rulings} == {"fbr", "irica", "tmcustoms", "kgd", "fcs"}
    assert any(r.more.get("origin") == "transcribed" for case in truth.cases for r in case.rulings)
