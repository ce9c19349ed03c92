"""For each guard that can be taken away: the load and the faults by which it shows, and what has to be named.

Invariant: with the guard in place the same run has no violation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deploy.services import SERVICES
from tests.faults.run import COPIES, Run
from tests.faults.schedule import COPY, Planned

_KILLED_FOR = 3.0


@dataclass(frozen=True, slots=True)
class Shown:
    """How long, with how many journeys and which faults; one of `named` has to be violated."""

    seconds: float
    journeys: int
    named: frozenset[str]
    plan: Sequence[Planned] = ()


def _all_killed(at: float) -> list[Planned]:
    return [Planned(number, at, "kill", name, _KILLED_FOR) for number, name in enumerate(COPIES, start=10)]


_PUT_BACK: Final = (Planned(1, 3.0, COPY, "postgres"), Planned(1, 9.0, "put-back", "postgres"))

MUTANTS: Final[Mapping[str, Shown]] = {
    "head-check": Shown(10.0, 2, frozenset({"doubled"})),
    "offset-fence": Shown(15.0, 2, frozenset({"lost"}), _PUT_BACK),
    "early-expand": Shown(12.0, 8, frozenset({"stale"})),
    "early-delete": Shown(
        15.0, 2, frozenset({"answered"}), [Planned(1, 5.0, "kafka-away", "kafka", 6.0), *_all_killed(9.0)]
    ),
    "no-rebalance-listener": Shown(15.0, 2, frozenset({"lost"}), [*_PUT_BACK, *_all_killed(8.5)]),
    "two-sequencers": Shown(12.0, 3, frozenset({"doubled", "out_of_order"})),
}


def planned(guard: str, seed: int) -> Run:
    """The run of a mutant, every copy of every service without the guard."""
    shown = MUTANTS[guard]
    builds = {service: ("-m", "tests.faults.mutant", guard, service) for service in SERVICES}
    return Run(seed, shown.seconds, shown.journeys, shown.plan, builds.__getitem__)
