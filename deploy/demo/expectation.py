"""What the services' pictures must be at the end, worked out from the truth alone.

Invariant: a second, plain model of the journey: it shares no code with the services and reads no report. What of the
mess remains visible comes from `mess.TRACES`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from deploy.demo.mess import TRACES
from deploy.demo.scenario.cargo import NOTED, REISSUED
from deploy.demo.scenario.model import RUN, Case, Consignment, Handling, Hold, Journey, Movement, PlannedCall, Train
from deploy.demo.scenario.operators import parties, references
from deploy.demo.wire import Send, source_of

# Where a border is crossed: the exit and the entry station of each.
_CROSSINGS: Final = {
    "ir-mirjaveh": "pk-taftan",
    "tm-serakhs": "ir-sarakhs",
    "kz-bolashak": "tm-serhetyaka",
    "ru-aksarayskaya": "kz-kigash",
}
_LEAVES: Final = ("DEPA", "PASS", "GTOT", "XBRD")
_PAPERS: Final = ("BKD", "NOTE")
_DELIVERED: Final = "DLVD"
# What befalls a wagon, as far as the journey has it, befalls what is on it.
_BEFALLS: Final = ("HACC",)
_DONE: Final = "delivered"


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a timeline; `via` is the train or paper by which the subject has it, `also` who else said so."""

    code: str
    point: str | None
    at: datetime
    party: str
    via: str | None = None
    also: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[datetime, bool]:
        # A frontier is known to be crossed when the train arrives behind it, and it was crossed before.
        return self.at, self.code != "XBRD"

    def as_json(self) -> list[Any]:
        confidence = "inferred" if self.code == "XBRD" else "observed"
        return [self.code, self.point, text(self.at), self.party, confidence, self.via, list(self.also)]


@dataclass(frozen=True, slots=True)
class Ride:
    """A stay on a wagon, or in a train, up to `end`."""

    on: str
    start: datetime
    end: datetime | None

    def holds(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)

    def as_json(self, relation: str) -> list[Any]:
        return [relation, self.on, text(self.start), text(self.end) if self.end else None]


def text(at: datetime) -> str:
    """An instant as pictures show it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def expected(journey: Journey, sends: Sequence[Send]) -> dict[str, Any]:
    """The whole expectation: subjects, cases, counts."""
    subjects = dict(sorted(Model(journey).subjects()))
    cases = {case.key: _case(case, journey.holds) for case in sorted(journey.cases, key=lambda c: c.key)}
    return {
        "ends": text(journey.ends),
        "counts": _counts(sends, subjects, cases),
        "attention": sorted([subject, rule] for subject, rules in TRACES.exceptions.items() for rule in rules),
        "subjects": subjects,
        "cases": cases,
    }


class Model:
    """The journey as a plain model: who was on what, when, and what happened to it."""

    def __init__(self, journey: Journey) -> None:
        self._journey = journey
        self._done: dict[str, list[Handling]] = {}
        for handling in sorted(journey.handlings, key=lambda h: h.by.at):
            self._done.setdefault(handling.subject, []).append(handling)
        self._moves = {train.key: _movements(train) for train in journey.trains}

    def subjects(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every subject with what its picture must show."""
        for train in self._journey.trains:
            yield train.key, self._train(train)
        for wagon in sorted({w.key for train in self._journey.trains for w in train.wagons}):
            yield wagon, self._wagon(wagon)
        for consignment in self._journey.consignments:
            for box in consignment.containers:
                yield box, self._container(box, consignment)
            yield consignment.key, self._consignment(consignment)
            for paper in references(consignment):
                yield _reference(paper), {"status": "resolved", "claimants": [consignment.key]}
        yield RUN, self._run()
        for unknown in TRACES.unknown:
            yield unknown, {"status": "unknown", **_traces(unknown)}

    def _train(self, train: Train) -> dict[str, Any]:
        composed = train.composed
        facts = [Fact("COMP", composed.point, composed.by.at, composed.by.party), *self._moves[train.key]]
        facts = [_seconded(train.key, fact) for fact in facts]
        return _picture(train.key, facts) | {
            "associations": [["in_run", RUN, text(composed.by.at), None]],
            "members": {wagon.key: "in_train" for wagon in train.wagons},
            "calls": _calls(self._journey.plan[train.key], facts),
        }

    def _wagon(self, wagon: str) -> dict[str, Any]:
        rides = self._in_trains(wagon)
        facts = self._own(wagon) + [fact for ride in rides for fact in self._taken(ride)]
        return _picture(wagon, facts) | {"associations": [ride.as_json("in_train") for ride in rides]}

    def _container(self, box: str, consignment: Consignment) -> dict[str, Any]:
        rides, facts = self._carried(box)
        ends = next((h.by.at for h in self._done[box] if h.code == _DELIVERED), None)
        booked = Ride(consignment.key, consignment.booked.at, ends)
        shown = [ride.as_json("on_wagon") for ride in rides] + [booked.as_json("in_consignment")]
        return _picture(box, facts) | {"associations": shown}

    def _consignment(self, consignment: Consignment) -> dict[str, Any]:
        rides, facts = self._carried(consignment.key)
        inside = {box: self._container(box, consignment)["status"] for box in consignment.containers}
        picture = _picture(consignment.key, [*facts, *_papers(consignment)])
        if inside:
            picture["status"] = _DONE if set(inside.values()) == {_DONE} else "at_point"
        return picture | {
            "associations": [ride.as_json("on_wagon") for ride in rides],
            "members": inside,
            "parties": sorted([p["role"], p["party"]] for p in parties(consignment)),
            "references": sorted(_reference(paper) for paper in references(consignment)),
        }

    def _run(self) -> dict[str, Any]:
        facts = [replace(fact, via=train, also=()) for train, found in self._moves.items() for fact in found]
        trains = {train.key: self._train(train)["status"] for train in self._journey.trains}
        cargo = {c.key: self._consignment(c)["status"] for c in self._journey.consignments}
        calls = _calls(self._journey.plan[RUN], facts)
        return _picture(RUN, facts) | {"members": trains | cargo, "calls": calls}

    def _own(self, subject: str) -> list[Fact]:
        return [Fact(h.code, h.point, h.by.at, h.by.party) for h in self._done.get(subject, ())]

    def _in_trains(self, wagon: str) -> list[Ride]:
        """A wagon is in a train from its consist to the consist of the next train that has it."""
        trains = [t for t in self._journey.trains if any(w.key == wagon for w in t.wagons)]
        starts = [t.composed.by.at for t in trains]
        return [Ride(t.key, start, end) for t, start, end in zip(trains, starts, [*starts[1:], None], strict=True)]

    def _taken(self, ride: Ride) -> list[Fact]:
        """What happened to the train in the time."""
        return [replace(f, via=ride.on, also=()) for f in self._moves[ride.on] if ride.holds(f.at)]

    def _carried(self, cargo: str) -> tuple[list[Ride], list[Fact]]:
        """On which wagons a box or goods were, and all that happened to it: itself and the trains of its wagons."""
        rides: list[Ride] = []
        for handling in self._done.get(cargo, ()):
            if handling.code == "LOAD" and handling.wagon:
                rides.append(Ride(handling.wagon, handling.by.at, None))
            elif handling.code == "DISC":
                rides[-1] = replace(rides[-1], end=handling.by.at)
        moved = [
            fact
            for ride in rides
            for train in self._in_trains(ride.on)
            for fact in self._taken(train)
            if ride.holds(fact.at)
        ]
        befell = [
            replace(fact, via=ride.on, also=())
            for ride in rides
            for fact in self._own(ride.on)
            if fact.code in _BEFALLS and ride.holds(fact.at)
        ]
        return rides, self._own(cargo) + moved + befell


def _counts(sends: Sequence[Send], subjects: Mapping[str, Any], cases: Mapping[str, Any]) -> dict[str, int]:
    of = {outcome: sum(send.outcome == outcome for send in sends) for outcome in ("accepted", "repeat", "refused")}
    return {
        "sent": len(sends),
        "accepted": of["accepted"],
        "repeats": of["repeat"],
        "dead_letters": of["refused"],
        "parked": sum(len(picture.get("parked", ())) for picture in subjects.values()),
        "subjects": len(subjects),
        "cases": len(cases),
    }


def _movements(train: Train) -> list[Fact]:
    """A train's movements, with each frontier that it crossed."""
    facts = [_moved(movement) for movement in train.movements]
    left = {f.point for f in facts if f.code == "DEPA"}
    for movement in train.movements:
        if _CROSSINGS.get(movement.point) in left and movement.code == "BARR":
            first = min((movement.by, *movement.also))
            facts.append(Fact("XBRD", movement.point, first.at, first.party))
    return sorted(facts, key=lambda f: f.order)


def _moved(movement: Movement) -> Fact:
    also = tuple(stamp.party for stamp in movement.also)
    return Fact(movement.code, movement.point, movement.by.at, movement.by.party, also=also)


def _seconded(subject: str, fact: Fact) -> Fact:
    other = TRACES.seconded.get((subject, fact.code, fact.point or ""))
    return replace(fact, also=(*fact.also, other)) if other else fact


def _picture(subject: str, facts: Sequence[Fact]) -> dict[str, Any]:
    """Status, place and timeline of a subject, by the last thing that happened to it."""
    timeline = sorted(facts, key=lambda f: f.order)
    placed = [fact for fact in timeline if fact.code not in _PAPERS]
    place, status = None, "planned"
    if placed:
        last = placed[-1]
        moving = last.code in _LEAVES
        place = [last.point, moving, text(last.at), last.party]
        status = _DONE if last.code == _DELIVERED else "in_transit" if moving else "at_point"
    return {"status": status, "place": place, "timeline": [f.as_json() for f in timeline], **_traces(subject)}


def _traces(subject: str) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if subject in TRACES.parked:
        shown["parked"] = [list(identity) for identity in TRACES.parked[subject]]
    if subject in TRACES.exceptions:
        shown["exceptions"] = list(TRACES.exceptions[subject])
    return shown


def _papers(consignment: Consignment) -> list[Fact]:
    """The booking, the CIM note at Lahore, and the SMGS note that the Turkmen railway issues under its own number."""
    smgs = f"reference:smgs:trk:{consignment.smgs}"
    return [
        Fact("BKD", None, consignment.booked.at, consignment.issuer),
        Fact("NOTE", "pk-lahore", NOTED, consignment.issuer),
        Fact("NOTE", "ir-sarakhs", REISSUED.at, REISSUED.party, via=smgs),
    ]


def _reference(paper: Mapping[str, str]) -> str:
    return f"reference:{paper['scheme']}:{paper['issuer']}:{paper['number']}"


def _calls(plan: Sequence[PlannedCall], facts: Sequence[Fact]) -> list[list[Any]]:
    """Planned calls beside the first arrival and the last departure."""
    rows = []
    for call in plan:
        came = [f.at for f in facts if f.point == call.point and f.code in ("ARRI", "BARR", "PASS")]
        left = [f.at for f in facts if f.point == call.point and f.code in ("DEPA", "PASS")]
        times = (call.arrival, call.departure, min(came, default=None), max(left, default=None))
        rows.append([call.point, *(text(at) if at else None for at in times)])
    return rows


def _case(case: Case, holds: Sequence[Hold]) -> dict[str, Any]:
    """The steps of a case as the truth tells them, its holds, and the decisions that did not count."""
    lodged = [
        ("PRE_ADVISED" if lodging.stage == "advance" else "LODGED", lodging.by.at, lodging.by.party)
        for lodging in case.lodgings
    ]
    ruled = [(ruling.state, ruling.by.at, ruling.by.party) for ruling in case.rulings if not ruling.in_part]
    steps = sorted([*lodged, *ruled], key=lambda step: step[1])
    mine = [h for h in holds if case.key in h.cases]
    return {
        "state": steps[-1][0],
        "steps": [[state, text(at), source_of(party)] for state, at, party in steps],
        "holds": [[h.hold, h.scope, text(h.placed.at), text(h.lifted.at)] for h in mine],
        "not_effective": [list(pair) for pair in TRACES.verdicts.get(case.key, ())],
    }
