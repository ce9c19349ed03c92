"""Whoever floods its own topic is held to its budgets, and another party's reports take at most twice as long."""

from __future__ import annotations

import pytest

from tests.floods.innocent import Times, innocent, kafka_flood
from tests.support.system import running_system

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(900)]

FLOODER = "rai"
REPORTS = 300
# What the flooder is answered; what is slowed alone is answered as it is read.
FLOODS = {
    "empties": "refused not_json",
    "padded": "refused too_large",
    "consists": "parked",
    "revisions": "refused over_budget",
    "delays": "parked",
    "visits": "parked",
    "handovers": "parked",
    "trains": "accepted",
}
_ANSWERS = """
SELECT concat_ws(' ', outcome, reason) AS answer, count(*) AS number FROM receipt WHERE party = $1 GROUP BY 1 ORDER BY 1
"""


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_is_held_to_its_budget_and_slows_nobody_else(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each flood on a system of its own: what the one before has left in Kafka is read for a long time."""
    quiet, flooded = Times(), Times()

    async with running_system() as system, innocent(system) as party:
        await party.report(Times(), 20)
        await party.report(quiet, REPORTS)
        async with kafka_flood(system, kind, FLOODER) as took:
            await party.report(flooded, REPORTS)
        answers = {r["answer"]: r["number"] for r in await system.rows("tracking", _ANSWERS, FLOODER)}

    with capsys.disabled():
        print(f"\n{kind}: {took}, answered {answers}; quiet {quiet}; flooded {flooded}")
    assert FLOODS[kind] in answers
    assert flooded.p99 <= 2 * quiet.p99
