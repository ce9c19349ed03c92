"""What a case is about, and what is written down of it on its way through its statements.

Invariant: a step is of the case as a whole; what befalls its units by themselves stands in their lines.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Final, cast

from contracts.events.authority import DecisionIssued
from contracts.events.fields import utc_text
from contracts.identifiers.subjects import Case
from services.customs.domain.holds import Hold
from services.customs.domain.lines import Line, Lines
from services.customs.domain.shared import SealMark
from services.customs.domain.statements import Counted

_OURS: Final = "urn:corridor:customs"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a case is about, and what is known besides its statements.

    `holds` are those on the case and its goods, `on_units` those on each unit; `amended` has the declaration that each
    amendment takes over; `misplaced` are decisions of an office that does not make them. `units` tells which units a
    case has, by the containers and wagons that its declaration names. `zones` are those of a limit, by its office.
    """

    case: Case
    holds: Sequence[Hold]
    on_units: Mapping[str, Sequence[Hold]]
    declared: bool
    units: Callable[[Sequence[str], Sequence[str]], tuple[str, ...]]
    zones: Callable[[str | None], Sequence[tzinfo]]
    amended: Mapping[tuple[str, str], Counted] = field(default_factory=dict)
    misplaced: frozenset[tuple[str, str]] = frozenset()

    def holds_on(self, units: Sequence[str]) -> list[Hold]:
        """The holds that bear on some units."""
        return [*self.holds, *dict.fromkeys(h for unit in units for h in self.on_units.get(unit, ()))]


@dataclass(slots=True)
class Walk:
    """A case on its way through the statements; `refused` begins as what earlier folds have refused.

    `office_in` is the country whose authority named the office, None where the declarant did. `told` are decisions of
    national systems that count, by what they are, their number and their units.
    """

    setting: Setting
    refused: set[tuple[str, str]]
    lines: Lines
    declarant: str | None = None
    attempt: int = 1
    number: str | None = None
    office: str | None = None
    office_in: str | None = None
    guarantee: Any = None
    containers: tuple[str, ...] = ()
    wagons: tuple[str, ...] = ()
    seals: list[SealMark] = field(default_factory=list)
    told: set[tuple[str, str, tuple[str, ...]]] = field(default_factory=set)
    steps: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def case(self) -> Case:
        return self.setting.case

    @property
    def whole(self) -> Line:
        """Where the case as a whole stands."""
        return self.lines.whole

    @property
    def state(self) -> str:
        return self.whole.state

    @property
    def units(self) -> tuple[str, ...]:
        """The units of the case, as far as anybody has said."""
        return self.setting.units(self.containers, self.wagons)

    def enter(self, line: Line, state: str, one: Counted, trigger: str, origin: str | None = None) -> None:
        """Takes a line to its next state by a statement."""
        line.enter(state, one.begins, one.ends, trigger, one.instant)
        if line is self.whole:
            self._step(state, one.instant, one.revision.identity, trigger, origin, one.day)

    def pass_limits(self, instant: datetime) -> None:
        """What time alone does up to an instant."""
        for line in self.lines.all():
            limit = line.runs_until
            if limit is None or limit >= instant:
                continue
            # A limit may be set that has passed already, and several may pass one after the other.
            passed = max(limit, line.since) if line.since else limit
            line.enter("OVERDUE", passed, passed, "overdue", passed)
            if line is self.whole:
                self._step("OVERDUE", passed, (_OURS, f"limit {utc_text(passed)}"), "overdue")

    def find(self, one: Counted, finding: str, detail: str) -> None:
        """Writes down what the table does not allow, or a contradiction."""
        source, event_id = one.revision.identity
        self.findings.append(
            {
                "finding": finding,
                "detail": detail,
                "instant": utc_text(one.instant),
                "source": source,
                "event_id": event_id,
            }
        )

    def rule(self, one: Counted, verdict: str, holds: Sequence[str] = (), detail: str | None = None) -> None:
        """Writes down the verdict on a decision."""
        source, event_id = one.revision.identity
        data = cast(DecisionIssued, one.data)
        shown = {
            "source": source,
            "event_id": event_id,
            "decision": data.decision,
            "origin": data.origin,
            "country": one.revision.country,
            "verdict": verdict,
            "instant": utc_text(one.instant),
            "updated_at": utc_text(one.revision.updated_at),
            "holds": list(holds),
            "detail": detail,
            "state": self.state,
        } | {name: getattr(data, name) for name in ("national_number", "office", "officer", "system")}
        self.verdicts.append({name: value for name, value in shown.items() if value not in (None, [])})

    def _step(
        self,
        state: str,
        instant: datetime,
        identity: tuple[str, str],
        trigger: str,
        origin: str | None = None,
        day: str | None = None,
    ) -> None:
        step = {
            "state": state,
            "instant": utc_text(instant),
            "decision": trigger,
            "origin": origin,
            "source": identity[0],
            "event_id": identity[1],
            "day": day,
        }
        self.steps.append({name: value for name, value in step.items() if value is not None})


def begin(setting: Setting, refused: set[tuple[str, str]]) -> Walk:
    """A case of which nothing has been said yet."""
    return Walk(setting, refused, Lines(Line(setting.case.procedure)))


def open_holds(holds: Iterable[Hold], jurisdiction: str, instant: datetime) -> list[Hold]:
    """The holds that stop a case of a jurisdiction at an instant."""
    return [h for h in holds if h.rules_in(jurisdiction) and h.open_at(instant)]
