"""Durations from past journeys."""

from __future__ import annotations

import random
from dataclasses import replace

from contracts.corridor import data_files
from contracts.corridor.corridor import load_corridor
from contracts.corridor.durations import Durations, load_durations
from corridor.eta.command import text_of
from corridor.eta.fit import fit
from corridor.eta.journeys import Journey, once
from corridor.eta.past import journey_of, stays_of
from services.tracking.domain.eta.ahead import Stay
from tests.eta.world import Habit, journeys, world

CORRIDOR = load_corridor("pk-ru")
WORLD = world(CORRIDOR, 3)


def test_the_same_journeys_in_any_order_give_the_same_durations() -> None:
    past = journeys(WORLD, 3, 12)
    mixed = random.Random(0).sample(past, len(past))
    assert fit(CORRIDOR, mixed) == fit(CORRIDOR, past)


def test_without_journeys_the_plan_stands_with_what_is_assumed_of_it() -> None:
    known = fit(CORRIDOR, [])
    assert 60 < known.legs["pk-lahore>pk-quetta"].median < 75
    assert known.stays["ir-sarakhs"].median > 48 and known.pace == 0 and known.records == ()


def test_many_journeys_outweigh_the_plan() -> None:
    one = replace(WORLD, medians=WORLD.medians | {"ir-sarakhs": 120.0}, sigmas=WORLD.sigmas | {"ir-sarakhs": 0.1})
    known = fit(CORRIDOR, journeys(one, 3, 150))
    assert 105 < known.stays["ir-sarakhs"].median < 130


def test_a_journey_that_keeps_its_slowness_is_found_to() -> None:
    assert 0.1 < fit(CORRIDOR, journeys(WORLD, 3, 90)).pace < 1


def test_a_railway_that_is_right_more_often_has_the_better_record() -> None:
    def record(error: float) -> float:
        one = replace(WORLD, habits=WORLD.habits | {"rai": Habit(error, 0.0)})
        mine = [r for r in fit(CORRIDOR, journeys(one, 3, 30)).records if r.source == "rai"]
        return sum(r.right for r in mine) / sum(r.n for r in mine)

    assert record(0.02) > record(0.3)


def test_units_of_one_train_tell_its_journey_once() -> None:
    one, *_ = journeys(WORLD, 3, 1)
    assert len(once([one, Journey(one.variant, dict(one.stays)), one])) == 1


def test_a_file_says_what_was_fitted() -> None:
    made = fit(CORRIDOR, journeys(WORLD, 3, 6))
    assert Durations.model_validate(data_files.parse(text_of(made))) == made


def test_the_committed_durations_are_of_the_corridor_that_there_is() -> None:
    known = load_durations(CORRIDOR.id)
    assert known is not None and known.corridor_version == CORRIDOR.version
    assert known.legs.keys() == {leg.key for variant in CORRIDOR.variants for leg in variant.legs}


def test_a_corridor_without_durations_has_none() -> None:
    assert load_durations("nowhere") is None


def test_a_picture_tells_the_journey_by_what_moved() -> None:
    def fact(code: str, point: str, day: int, **more: object) -> dict[str, object]:
        return {"code": code, "point": point, "instant": f"2026-07-{day:02}T00:00:00Z", **more}

    timeline = [
        fact("DEPA", "pk-lahore", 1),
        fact("ARRI", "pk-quetta", 4, claim=True),
        fact("ARRI", "pk-quetta", 5),
        fact("PASS", "pk-quetta", 6, sighting=True),
        fact("DEPA", "pk-quetta", 7),
    ]
    journey = journey_of({"timeline": timeline}, CORRIDOR)
    assert journey is not None and journey.variant in ("R1", "R2")
    assert journey.stays == stays_of(timeline)
    arrived, departed = journey.stays["pk-quetta"]
    assert arrived is not None and departed is not None and (arrived.day, departed.day) == (5, 7)
    assert journey.stays["pk-lahore"] == Stay(None, journey.stays["pk-lahore"].departed_at)


def test_a_picture_of_one_place_tells_no_journey() -> None:
    assert journey_of({"timeline": []}, CORRIDOR) is None
