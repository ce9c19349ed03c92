"""Thirty faults in one run: afterwards nothing is lost, doubled, leaked or out of order."""

from __future__ import annotations

import pytest

from tests.faults.command import planned
from tests.faults.run import played

pytestmark = [pytest.mark.servers, pytest.mark.timeout(420)]

SEED, FAULTS, SPACING = 1, 30, 3.0


def test_nothing_is_lost_or_doubled_whatever_dies() -> None:
    outcome = played(planned(SEED, FAULTS, SPACING), print)

    assert outcome.violations == []
    assert outcome.faults == FAULTS
