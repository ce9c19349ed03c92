"""What customs announce and raise on generated journeys, against a model of the rules that shares no code with them."""

from __future__ import annotations

import os
import random
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events.fields import utc_text
from tests.customs import model
from tests.customs.folded import events_of, fold_all, passage_of, raised
from tests.customs.journeys import Journey, journeys

EXAMPLES = int(os.environ.get("CUSTOMS_JOURNEYS", "200"))
many = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@many
@given(journeys())
def test_violations_are_those_of_the_rules_and_no_others(journey: Journey) -> None:
    assert raised(fold_all(events_of(journey), journey.as_of)) == model.violations(journey)


@many
@given(journeys())
def test_announcements_are_those_of_the_rules_and_no_others(journey: Journey) -> None:
    found = passage_of(fold_all(events_of(journey), journey.as_of))["announcements"]

    assert {a["country"]: told(a) for a in found} == {c: shown(a) for c, a in model.announcements(journey).items()}


def told(announcement: Any) -> Any:
    units = {u["subject"]: (u["state"], u.get("expected_from")) for u in announcement["units"]}
    return announcement["state"], units


def shown(announcement: Any) -> Any:
    units = {unit: (state[0], _text(state[1:])) for unit, state in announcement["units"].items()}
    return announcement["state"], units


def _text(given_: tuple[datetime | None, ...]) -> str | None:
    return utc_text(given_[0]) if given_ and given_[0] else None


@many
@given(journeys())
def test_nothing_is_expected_in_the_past(journey: Journey) -> None:
    found = passage_of(fold_all(events_of(journey), journey.as_of))["announcements"]

    times = [t for a in found for u in (a, *a["units"]) for n in ("expected_from", "expected_to") if (t := u.get(n))]
    assert all(datetime.fromisoformat(t) >= journey.as_of for t in times)


@many
@given(journeys(), st.integers(0, 2**32))
def test_any_order_and_repetition_gives_the_same(journey: Journey, seed: int) -> None:
    events = events_of(journey)
    mixed = [*events, *random.Random(seed).sample(events, len(events) // 2)]
    random.Random(seed).shuffle(mixed)

    contents = [{s: f.content for s, f in fold_all(e, journey.as_of).items()} for e in (events, mixed)]
    assert contents[0] == contents[1]
