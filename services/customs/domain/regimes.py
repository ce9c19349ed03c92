"""Which cases cover a unit of a consignment, and what they permit it at an instant.

Invariant: a permission under any procedure of the law that rules there counts. Where only days are known the goods have
the benefit of the doubt: a permission covers its day, and what ends one ends it with the day.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from contracts.identifiers.subjects import parse_case
from services.customs.domain.shared import Case, Move, SealMark, Step

Law = tuple[str, str]
"""A jurisdiction and a procedure."""


@dataclass(frozen=True, slots=True)
class Regimes:
    """All cases of a consignment, by their keys."""

    cases: Mapping[str, Case]

    def of(self, laws: Collection[Law]) -> list[str]:
        """The cases under some laws, sorted."""
        return sorted(key for key in self.cases if _law(key) in laws)

    def filed(self, laws: Collection[Law]) -> bool:
        """Whether there is a declaration under any of some laws."""
        return any(self.cases[key].filed for key in self.of(laws))

    def over(self, unit: str, laws: Collection[Law]) -> list[str]:
        """The cases that cover a unit: those whose declaration names it, or names no containers at all."""
        return [key for key in self.of(laws) if _covers(self.cases[key], unit)]

    def permit(self, unit: str, laws: Collection[Law], states: Collection[str], move: Move) -> bool:
        """Whether some case that covers a unit was in one of the states when it moved."""
        ruling = (self.cases[key] for key in self.over(unit, laws))
        return any(_was_in(steps, states, move) for case in ruling for steps in _steps(case, unit))

    def seals_of(self, unit: str, *, alone: bool) -> Iterator[SealMark]:
        """What customs say of the seals on a unit. Where they name none, it is the only one of the goods, or the only
        one that is declared; a seal that was taken off is off wherever it was.
        """
        for _, case in sorted(self.cases.items()):
            if not _covers(case, unit):
                continue
            own = alone or case.containers == (unit,)
            yield from (m for m in case.seals if unit in m.units or (not m.units and (own or m.removed)))


def _law(key: str) -> Law:
    case = parse_case(key)
    return case.jurisdiction, case.procedure


def _covers(case: Case, unit: str) -> bool:
    return not unit.startswith("container:") or not case.containers or unit in case.containers


def _steps(case: Case, unit: str) -> Iterable[tuple[Step, ...]]:
    """The steps that bear on a unit; goods without a container have those of any wagon."""
    return (case.steps_of(unit),) if unit.startswith("container:") else (case.steps, *case.apart.values())


def _was_in(steps: Iterable[Step], states: Collection[str], move: Move) -> bool:
    return any(
        step.state in states and step.begins <= move.ends and (following is None or _reaches(move, following))
        for step, following in pairwise([*steps, None])
        if step is not None
    )


def _reaches(move: Move, following: Step) -> bool:
    """Whether a move may have been before a step."""
    by_day = following.begins != following.ends
    return move.begins <= following.ends if by_day else move.begins < following.begins
