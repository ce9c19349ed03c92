"""Plays a trial on a stage in one of the orders, and tells what came out wrong.

Invariant: a play begins with nothing known of its names, and what is read is read by a party.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tests.trials import checks
from tests.trials.trial import Order, Report, Right, Trial


class Stage(Protocol):
    """Where trials are played."""

    async def send(self, reports: Sequence[Report]) -> None:
        """Lets the reports arrive one after the other, each a minute later, and waits for what follows of them."""

    async def ask(self, service: str, path: str, party: str) -> Any:
        """What a party reads; None where there is nothing for it."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What did not come out right."""

    trial: str
    order: Order
    party: str
    path: str
    detail: str

    def __str__(self) -> str:
        return f"{self.trial}, {self.order}, as {self.party}, {self.path}: {self.detail}"


async def play(stage: Stage, trial: Trial, order: Order) -> list[Wrong]:
    """What is wrong after a trial; only in order it is also looked at on the way."""
    found: list[Wrong] = []
    done = 0
    for count in _stops(trial, order):
        await stage.send(_ordered(trial.reports[done:count], order))
        done = count
        for right in trial.right:
            if order in right.orders and _holds_after(right, trial) == count:
                found += await _look(stage, trial, order, right)
    return found


def _stops(trial: Trial, order: Order) -> list[int]:
    every = {len(trial.reports)}
    if order == "in order":
        every |= {_holds_after(right, trial) for right in trial.right}
    return sorted(every)


def _holds_after(right: Right, trial: Trial) -> int:
    return len(trial.reports) if right.after is None else right.after


def _ordered(reports: Sequence[Report], order: Order) -> list[Report]:
    if order == "in reverse":
        return list(reversed(reports))
    return [one for one in reports for _ in range(2 if order == "doubled" else 1)]


async def _look(stage: Stage, trial: Trial, order: Order, right: Right) -> list[Wrong]:
    answer = await stage.ask(right.service, right.path, right.party)
    return [
        Wrong(trial.name, order, right.party, right.path, text)
        for text in checks.faults(answer, right.place, right.wanted)
    ]


def plays(names: Sequence[str], orders: Sequence[Order]) -> Iterator[tuple[int, str, Order]]:
    """Every trial in every order, with the number of the play."""
    wanted = ((name, order) for name in names for order in orders)
    return ((number, name, order) for number, (name, order) in enumerate(wanted, 1))
