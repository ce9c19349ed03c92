"""Customs cases of the model: the table of states applied in order of occurrence.

Invariant: a release that is decided here under an open hold does not count, one that was made in a national system
does; what the table does not allow leaves the state as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import yaml

from contracts import catalogue
from contracts.events.fields import utc_text
from contracts.identifiers.subjects import parse_case
from tests.faults.model_cargo import Cargo
from tests.faults.model_facts import instant
from tests.faults.stated import Stated

_PARTIES: Final = Path(__file__).parents[2] / "deploy" / "parties.yaml"
_LODGES: Final = {"NOT_FILED", "PRE_ADVISED", "REJECTED", "REFUSED"}
_OPEN: Final = {"PRE_ADVISED", "LODGED", "REJECTED", "ACCEPTED", "DOC_REVIEW"}
_EXAMINED: Final = ("ACCEPTED", "DOC_REVIEW", "INSPECTION_ORDERED", "INSPECTING")
_AWAY: Final = ("IN_TRANSIT", "OVERDUE", "PRESENTED", "DISCREPANCY")
# For each decision, from which states it leads to which one.
_TABLE: Final[Mapping[str, Mapping[str, str]]] = {
    "accept": {"LODGED": "ACCEPTED"},
    "reject": {"LODGED": "REJECTED"},
    "review": dict.fromkeys(("ACCEPTED", "INSPECTION_ORDERED", "INSPECTING"), "DOC_REVIEW"),
    "inspect": dict.fromkeys(("ACCEPTED", "DOC_REVIEW", "RELEASED", *_AWAY), "INSPECTION_ORDERED"),
    "present": {"INSPECTION_ORDERED": "INSPECTING", "IN_TRANSIT": "PRESENTED", "OVERDUE": "PRESENTED"},
    "inspected": {"INSPECTION_ORDERED": "INSPECTING", "INSPECTING": "INSPECTING"},
    "release": dict.fromkeys((*_EXAMINED, "PRESENTED", "REFUSED", "SEIZED"), "RELEASED"),
    "start_transit": {"RELEASED": "IN_TRANSIT"},
    "discharge": dict.fromkeys((*_AWAY, "CLAIM"), "DISCHARGED"),
}


@dataclass
class _Case:
    key: str
    state: str = "NOT_FILED"
    limit: datetime | None = None
    steps: list[list[Any]] = field(default_factory=list)
    verdicts: dict[str, str] = field(default_factory=dict)

    def move(self, state: str, at: datetime) -> None:
        self.state = state
        self.steps.append([state, utc_text(at)])

    def pass_limit(self, at: datetime) -> None:
        """What time alone does up to an instant."""
        if self.state == "IN_TRANSIT" and self.limit is not None and self.limit < at:
            self.move("OVERDUE", self.limit)


@dataclass(frozen=True, slots=True)
class _Hold:
    hold: str
    scope: str
    party: str
    placed: datetime
    lifted: datetime | None

    def is_open(self, at: datetime) -> bool:
        return self.placed <= at and (self.lifted is None or at < self.lifted)


def cases(counting: Sequence[Stated], cargo: Cargo, as_of: datetime) -> dict[str, Mapping[str, Any]]:
    """Every case that anybody has declared or decided on."""
    files: dict[str, list[Stated]] = {}
    for one in counting:
        if one.type == catalogue.DECISION:
            files.setdefault(one.subject, []).append(one)
        elif one.type in (catalogue.LODGED, catalogue.CANCELLED):
            files.setdefault(one.data.case(one.subject).key, []).append(one)
    holds = _holds(counting)
    return {key: _view(key, file, _holds_on(key, holds, cargo), as_of) for key, file in files.items()}


def _view(key: str, file: Sequence[Stated], holds: Sequence[_Hold], as_of: datetime) -> dict[str, Any]:
    case = _Case(key)
    declared = any(one.type != catalogue.DECISION for one in file)
    for one in sorted(file, key=lambda s: instant(s.data)):
        case.pass_limit(instant(one.data))
        if one.type == catalogue.DECISION:
            case.verdicts[f"{one.source}#{one.id}"] = _decide(case, one, holds) if declared else "waiting"
        else:
            _declare(case, one)
    case.pass_limit(as_of)
    return {
        "state": case.state,
        "steps": case.steps,
        "verdicts": case.verdicts,
        "open_holds": sorted(hold.hold for hold in holds if hold.is_open(as_of)),
    }


def _declare(case: _Case, one: Stated) -> None:
    at = instant(one.data)
    if one.type == catalogue.CANCELLED:
        if case.state in _OPEN:
            case.move("CANCELLED", at)
    elif one.data.stage == "advance":
        if case.state == "NOT_FILED":
            case.move("PRE_ADVISED", at)
    elif case.state in _LODGES:
        case.move("LODGED", at)


def _decide(case: _Case, one: Stated, holds: Sequence[_Hold]) -> str:
    """The verdict on a decision, which moves the case where it counts."""
    at, decision = instant(one.data), one.data.decision
    state = _TABLE[decision].get(case.state)
    if state is None and (decision, case.state, _procedure(case)) == ("discharge", "RELEASED", "IMPORT"):
        state = "CLOSED"
    if state is None:
        return "conflict"
    stopped = decision == "release" and any(hold.is_open(at) for hold in holds)
    if stopped and one.data.origin == "decided_here":
        return "refused"
    case.move(state, at)
    if one.data.limit is not None:
        case.limit = datetime.fromisoformat(one.data.limit)
    return "effective"


def _procedure(case: _Case) -> str:
    return parse_case(case.key).procedure


def _holds(counting: Sequence[Stated]) -> list[_Hold]:
    lifted = {(s.party, s.data.hold): instant(s.data) for s in counting if s.type == catalogue.HOLD_LIFTED}
    return [
        _Hold(s.data.hold, s.subject, s.party, instant(s.data), lifted.get((s.party, s.data.hold)))
        for s in counting
        if s.type == catalogue.HOLD_PLACED
    ]


def _holds_on(key: str, holds: Sequence[_Hold], cargo: Cargo) -> list[_Hold]:
    """Those on the case, its consignment or a container of it, by an authority of its law."""
    case = parse_case(key)
    scopes = {key, case.about, *cargo.containers(case.about)}
    rules = _jurisdictions()
    return [hold for hold in holds if hold.scope in scopes and case.jurisdiction in rules.get(hold.party, ())]


def _jurisdictions() -> dict[str, tuple[str, ...]]:
    parties = yaml.safe_load(_PARTIES.read_text(encoding="utf-8"))["parties"]
    return {entry["party"]: tuple(entry.get("jurisdictions", ())) for entry in parties}
