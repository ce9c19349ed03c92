"""What the log says of what happens often."""

from __future__ import annotations

import time

import pytest

from services.chassis.base.telemetry import Seldom
from tests.support.monotonic import Clock


def test_what_happens_often_is_told_at_once_and_then_now_and_then_with_how_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    seldom = Seldom(10)

    told = [seldom.again() for _ in range(3)]
    clock.seconds = 10.0
    told += [seldom.again(), seldom.again()]

    assert told == [1, 0, 0, 3, 0]
