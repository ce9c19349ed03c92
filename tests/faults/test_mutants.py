"""The checks of a run under faults bite: with any one guard taken away, the run fails and names what is broken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.faults.mutants import MUTANTS, planned
from tests.faults.run import played

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(420)]


@pytest.mark.parametrize("guard", MUTANTS)
def test_a_guard_that_is_taken_away_is_missed(guard: str) -> None:
    outcome = played(planned(guard, 1))

    assert MUTANTS[guard].named & {violation.invariant for violation in outcome.violations}


@pytest.mark.parametrize("guard", MUTANTS)
def test_with_the_guard_in_place_the_same_run_has_no_violation(guard: str) -> None:
    outcome = played(replace(planned(guard, 1), build=None))

    assert outcome.violations == []
