"""The checks of a run under faults bite: with any one guard taken away, the run fails and names what is broken."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.datadir import temporary_directory
from tests.faults.mutants import MUTANTS, planned
from tests.faults.run import Outcome, Run, run

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(420)]


@pytest.mark.parametrize("guard", MUTANTS)
def test_a_guard_that_is_taken_away_is_missed(guard: str) -> None:
    with temporary_directory() as data:
        outcome = played(planned(guard, 1), data)

    assert MUTANTS[guard].named & {violation.invariant for violation in outcome.violations}


@pytest.mark.parametrize("guard", MUTANTS)
def test_with_the_guard_in_place_the_same_run_has_no_violation(guard: str) -> None:
    with temporary_directory() as data:
        outcome = played(replace(planned(guard, 1), build=None), data)

    assert outcome.violations == []


def played(wanted: Run, data: Path) -> Outcome:
    outcome = Outcome()
    asyncio.run(run(wanted, data, outcome, lambda line: None))
    return outcome
