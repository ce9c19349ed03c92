"""Forecasts: the newest of each party for what is still ahead; what has come true is no forecast any more."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope.codec import Event
from tests.support import builders as b
from tests.tracking.pure import pictures


def forecast(code: str, at: float, made: float, **more: Any) -> Event:
    return b.a_milestone(code, at=at, point="pk-quetta", classifier="EST", updated_at=b.hours(made), **more)


def ahead(*events: Event) -> list[tuple[str, str]]:
    found = pictures([b.a_consist(), *events])[b.TRAIN].get("forecasts", ())
    return [(f["code"], f["instant"]) for f in found]


@settings(deadline=None, max_examples=100)
@given(
    foretold=st.lists(
        st.tuples(st.sampled_from(["ARRI", "ETA", "DEPA"]), st.floats(10, 90), st.floats(0, 19)), max_size=5
    )
)
def test_nothing_is_foretold_of_a_stay_that_is_over(foretold: list[tuple[str, float, float]]) -> None:
    """However late or early it was expected."""
    was = [forecast(code, at, made, id=f"f{n}") for n, (code, at, made) in enumerate(foretold)]
    stay = [b.a_milestone("ARRI", at=20, point="pk-quetta"), b.a_milestone("DEPA", at=30, point="pk-quetta")]

    assert ahead(*was, *stay) == []


def test_a_departure_is_ahead_while_the_train_stands_there() -> None:
    stay = b.a_milestone("ARRI", at=20, point="pk-quetta")

    assert ahead(forecast("ARRI", 19, 5), forecast("DEPA", 33, 6), stay) == [("DEPA", b.hours(33))]


def test_an_eta_is_the_arrival_that_is_expected() -> None:
    assert ahead(forecast("ARRI", 19, 5), forecast("ETA", 22, 6)) == [("ETA", b.hours(22))]


def test_what_is_foretold_behind_the_departure_is_of_the_next_stay() -> None:
    stay = [b.a_milestone("ARRI", at=20, point="pk-quetta"), b.a_milestone("DEPA", at=30, point="pk-quetta")]

    assert ahead(*stay, forecast("ARRI", 60, 40)) == [("ARRI", b.hours(60))]


def test_who_has_passed_is_not_expected_there() -> None:
    assert (
        ahead(forecast("ARRI", 19, 5), forecast("DEPA", 33, 6), b.a_milestone("PASS", at=20, point="pk-quetta")) == []
    )
