"""For each guard that can be taken away: the load and the faults by which it shows, and what has to be named.

Invariant: with the guard in place the same run has no violation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from contracts.envelope.codec import Event, encode
from deploy.services import SERVICES
from tests.faults.evidence import Send
from tests.faults.run import COPIES, Run
from tests.faults.schedule import COPY, Planned
from tests.support import builders as b
from tests.support.system import topic_of

_KILLED_FOR = 3.0
# What a mutant breaks may keep it from ever settling.
_SETTLED_WITHIN = 30.0
# Hours from the builders' start: when the clock of the run begins, all this has happened.
_LONG_AGO = -2000
_PAUSE = 12


@dataclass(frozen=True, slots=True)
class Shown:
    """One of `named` has to be violated in the run, which has as yet no seed and no build."""

    named: frozenset[str]
    run: Run


def _shown(
    seconds: float, journeys: int, *named: str, plan: Sequence[Planned] = (), load: Sequence[Send] | None = None
) -> Shown:
    return Shown(frozenset(named), Run(0, seconds, journeys, plan, None, _SETTLED_WITHIN, load))


def _all_killed(at: float, seconds: float = _KILLED_FOR) -> list[Planned]:
    return [Planned(number, at, "kill", name, seconds) for number, name in enumerate(COPIES, start=10)]


def _booked_and_declared(count: int) -> list[Send]:
    """Consignments that are declared as they are booked: what is told of a case reads who takes part in its
    consignment, and nothing else of that changes the case. Repeats in between leave time to settle."""
    found: list[Event] = []
    for number in range(count):
        subject = f"consignment:indus-forwarding/E{number}"
        booking = b.a_booking([b.container(number)], subject, _LONG_AGO, id=f"booking-{number}")
        declaration = b.a_declaration(subject, _LONG_AGO, id=f"declaration-{number}", containers=[b.container(number)])
        found += [booking, declaration, *[booking] * _PAUSE]
    return [_send(event) for event in found]


def _send(event: Event) -> Send:
    headers = encode(id=event.id, source=event.source, type=event.type, subject=event.subject)
    return Send(topic_of(event), event.subject.encode(), tuple(headers), event.body, event.source, event.id)


# To take a copy is a matter of seconds on a busy machine, and what was told since is what can be lost.
_PUT_BACK: Final = (Planned(1, 3.0, COPY, "postgres"), Planned(1, 15.0, "put-back", "postgres"))

MUTANTS: Final[Mapping[str, Shown]] = {
    "head-check": _shown(10.0, 2, "doubled"),
    "offset-fence": _shown(21.0, 3, "lost", plan=_PUT_BACK),
    "no-second-look": _shown(25.0, 0, "stale", load=_booked_and_declared(20)),
    "early-delete": _shown(15.0, 2, "lost", "answered", plan=[*_all_killed(5.0), *_all_killed(10.0)]),
    # Dead until the store has been put back: a copy at work would see that it was.
    "no-rebalance-listener": _shown(21.0, 3, "lost", plan=[*_PUT_BACK, *_all_killed(14.5, 20.0)]),
    "unlocked-feeds": _shown(12.0, 3, "doubled", "out_of_order"),
    "read-back": _shown(21.0, 3, "lost", "out_of_order", plan=_PUT_BACK),
}


def planned(guard: str, seed: int) -> Run:
    """The run of a mutant, every copy of every service without the guard."""
    builds = {service: ("-m", "tests.faults.mutant", guard, service) for service in SERVICES}
    return replace(MUTANTS[guard].run, seed=seed, build=builds.__getitem__)
