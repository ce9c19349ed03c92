"""What customs publishes: cases, violations, announcements of arrivals, and verdicts on decisions.

Invariant: a reason belongs to the country whose authority wrote it; only the `authority` form of that country has it,
the `involved` form says what is to be done, and the `public` form only the state. Enumerations here are open. `redrawn`
says that newer code or data have worked it out anew, which is no news.
"""

from typing import Literal

from contracts.events.base import Data, Enumerated
from contracts.events.declarant import Guarantee
from contracts.events.fields import Instant, Occurred, none_given

Form = Enumerated[Literal["public", "involved", "authority"]]


class Step(Data):
    """One state of a case and what led to it; `day` is the date where nothing more is known of the instant."""

    state: str
    instant: Instant
    decision: str | None = None
    origin: str | None = None
    source: str
    event_id: str
    day: str | None = None


class UnitState(Data):
    """The state of a container or wagon on which customs have decided by itself, where it is not that of the case."""

    unit: str
    state: str
    since: Instant


class HoldState(Data):
    """A hold on a case; `reason`, `office` and `officer` only in the form of the country that placed it."""

    hold: str
    party: str
    authority: str
    scope: str
    placed_at: Instant
    lifted_at: Instant | None = None
    reason: str | None = None
    office: str | None = None
    officer: str | None = None


class Finding(Data):
    """What the transition table does not allow, or a contradiction; it goes when the missing message arrives."""

    finding: str
    detail: str
    instant: Instant
    source: str | None = None
    event_id: str | None = None


class Verdict(Data):
    """The verdict on one decision: effective, refused, conflict, waiting or reissue_required.

    `origin` says whether it was decided here or transcribed from a national system, with its `national_number`. Who
    decided, `officer` or `system`, and the office are told to the country whose authority it is, and to nobody else.
    """

    source: str
    event_id: str
    decision: str
    verdict: str
    instant: Instant
    holds: list[str] = none_given()
    detail: str | None = None
    state: str | None = None
    origin: str | None = None
    national_number: str | None = None
    office: str | None = None
    officer: str | None = None
    system: str | None = None


class CaseChanged(Data):
    """A customs case: one for each consignment, jurisdiction and procedure.

    Where several countries share a law, each has an `authority` form of its own. `parties` are those who take part.
    `state` is that of the case as a whole; `units` are those that customs have decided on apart from the others.
    """

    case: str
    about: str
    consignment: str | None = None
    jurisdiction: str
    procedure: str
    sequence: int
    form: Form
    version: int
    previous_version: int | None = None
    recorded_at: Instant
    as_of: Instant
    fold: int
    state: str
    since: Instant | None = None
    attempt: int = 1
    number: str | None = None
    office: str | None = None
    containers: list[str] = none_given()
    wagons: list[str] = none_given()
    held: bool = False
    holds: list[HoldState] = none_given()
    steps: list[Step] = none_given()
    findings: list[Finding] = none_given()
    verdicts: list[Verdict] = none_given()
    guarantee: Guarantee | None = None
    limit: Occurred | None = None
    to_do: list[str] = none_given()
    redrawn: bool = False
    declarant: str | None = None
    parties: list[str] = none_given()
    units: list[UnitState] = none_given()


class ViolationChanged(Data):
    """A violation raised or withdrawn; `rests_on` says whether the movement was observed or inferred."""

    violation: str
    rule: str
    case: str
    subject: str
    point: str | None = None
    state: Enumerated[Literal["raised", "withdrawn"]]
    form: Form
    instant: Instant
    rests_on: str
    version: int
    previous_version: int | None = None
    recorded_at: Instant
    detail: str | None = None
    redrawn: bool = False
    as_of: Instant | None = None


class ArrivingUnit(Data):
    """A container or wagon that is coming, with the seals that are on it, and the train that it was seen in last.

    `state`, `expected_from`, `expected_to` and `arrived_at` are those of the announcement, for this unit by itself.
    """

    subject: str
    seals: list[str] = none_given()
    point: str | None = None
    last_seen: Instant | None = None
    moving: bool = False
    state: Enumerated[Literal["expected", "arrived"]] | None = None
    train: str | None = None
    expected_from: Instant | None = None
    expected_to: Instant | None = None
    arrived_at: Instant | None = None


class ArrivalAnnounced(Data):
    """What is coming to a country: a consignment, its units, when it is expected, and whether it is filed.

    `expected_from` and `expected_to` bound the arrival at the entry point of what is still on its way; either is absent
    when it has passed, and both while nothing allows an estimate. `arrived_at` is when the last unit was seen there or
    beyond. `units` are those that are announced so far, in order of their trains.
    """

    announcement: str
    consignment: str
    country: str
    jurisdiction: str
    entry_point: str
    exit_point: str | None = None
    version: int
    previous_version: int | None = None
    recorded_at: Instant
    as_of: Instant
    state: Enumerated[Literal["expected", "arrived", "withdrawn"]]
    expected_from: Instant | None = None
    expected_to: Instant | None = None
    rests_on: str
    filed: bool
    cases: list[str] = none_given()
    units: list[ArrivingUnit] = none_given()
    redrawn: bool = False
    arrived_at: Instant | None = None


class DecisionAnswered(Data):
    """The verdict on a decision, sent again whenever later information changes it; one for each country of the law.

    `officer`, `system` and `office` stand in that of the country whose authority decided.
    """

    case: str
    source: str
    event_id: str
    decision: str
    verdict: str
    version: int
    previous_version: int | None = None
    recorded_at: Instant
    as_of: Instant | None = None
    holds: list[str] = none_given()
    detail: str | None = None
    state: str
    redrawn: bool = False
    origin: str | None = None
    national_number: str | None = None
    office: str | None = None
    officer: str | None = None
    system: str | None = None
