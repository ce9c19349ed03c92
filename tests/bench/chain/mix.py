"""The load `mix`: trains of 30 to 62 boxes from Lahore to Astrakhan with their customs papers, several at once.

A train carries four to eight consignments of two forwarders, on wagons of two boxes, and is one train for each railway.
Railways, terminals, yards, forwarders and customs report it, each on its own topic, in the order in which it occurred.
What is measured begins when one train is in Turkmenistan, one has left Lahore, and one is being booked.

Invariant: the seed is fixed, so that two runs differ in numbers and dates alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from contracts import catalogue
from contracts.events.fields import utc_text
from contracts.identifiers.schemes import make_uic_wagon, make_wagon_1520
from contracts.identifiers.subjects import Case
from tests.bench.chain.load import Load, Numbers, marked
from tests.faults.report import Report, reported
from tests.faults.voyage import TIMETABLE

_SEED: Final = 7
_BOXES: Final = (30, 62)
_CONSIGNMENTS: Final = (4, 8)
_BETWEEN_TRAINS: Final = timedelta(hours=200)
# However many trains there are, they run in so many days.
_SEASON: Final = timedelta(days=90)
_LEAST_OF_A_TRAIN: Final = 350
_BEFORE: Final = 2
"""So many trains are on their way before what is measured."""
_JOURNEY: Final = timedelta(hours=430)
_FIRST_HOUR: Final = -190
_FORWARDERS: Final = ("indus-forwarding", "volga-logistics")
_SHIPPERS: Final = ("ravi-textiles", "sialkot-leather", "lahore-medical")

# Where boxes change wagons: hours, point, who does it, the railway before and after.
_CHANGES: Final = ((150, "ir-zahedan", "zahedan-yard", "pr", "rai"), (236, "ir-sarakhs", "sarakhs-yard", "rai", "trk"))
# The papers of a consignment: jurisdiction, procedure, authority, hours of each statement.
_PAPERS: Final = (
    ("PK", "EXPORT", "fbr", ((-58, "lodge"), (-55, "accept"), (-46, "release"))),
    ("IR", "TRANSIT", "irica", ((100, "lodge"), (148, "accept"), (156, "release"), (166, "start_transit"))),
    ("IR", "TRANSIT", "irica", ((232, "present"), (248, "discharge"))),
    ("TM", "TRANSIT", "tmcustoms", ((240, "lodge"), (260, "accept"), (261, "release"))),
    ("EAEU", "TRANSIT", "kgd", ((300, "lodge"), (318, "accept"), (332, "release"), (334, "start_transit"))),
)


def mix(count: int, numbers: Numbers) -> Load:
    """So many reports of as many trains as it takes."""
    draw = random.Random(_SEED)
    trains = count // _LEAST_OF_A_TRAIN + _BEFORE + 1
    between = min(_BETWEEN_TRAINS, _SEASON / trains)
    # Far enough back for the last of them to have arrived by now.
    first = numbers.began - _JOURNEY - between * trains
    begin = first + between * _BEFORE + timedelta(hours=_FIRST_HOUR)
    reports: list[Report] = []
    while sum(one.at >= begin for one in reports) < count:
        reports += _Train(numbers, draw, first).reports()
        first += between
    reports.sort(key=lambda one: one.at)
    measured = [marked(one) for one in reports if one.at >= begin]
    # What is too many is the end of the last journeys.
    return Load([marked(one) for one in reports if one.at < begin], measured[:count])


@dataclass
class _Train:
    """One train load on its way: its boxes by consignment, and its wagons by railway."""

    numbers: Numbers
    draw: random.Random
    starts: datetime

    def __post_init__(self) -> None:
        self.number = self.numbers.other()
        self.boxes = [self.numbers.box() for _ in range(self.draw.randint(*_BOXES))]
        self.parts = self.draw.randint(*_CONSIGNMENTS)
        self._wagons = {railway: self._numbered(railway) for railway in ("pr", "rai", "trk")}

    def reports(self) -> Iterator[Report]:
        yield from self._planned_and_booked()
        yield from self._moves()
        yield from self._box_by_box()
        for place in range(self.parts):
            for paper in _PAPERS:
                yield from self._papers(place, *paper)

    def _at(self, hours: float) -> datetime:
        return self.numbers.instant(self.starts + timedelta(hours=hours))

    def _numbered(self, railway: str) -> list[str]:
        serials = [self.numbers.other() for _ in range(-(-len(self.boxes) // 2))]
        if railway == "pr":
            return [f"wagon:national/PRB{n:06}" for n in serials]
        if railway == "rai":
            return [f"wagon:uic/{make_uic_wagon(f'31969{n // 1000:03}', n % 1000)}" for n in serials]
        return [f"wagon:1520/{make_wagon_1520(4, n)}" for n in serials]

    def _wagons_of(self, railway: str) -> list[str]:
        """From Turkmenistan on the same wagons run through."""
        return self._wagons["trk" if railway == "ktz" else railway]

    def _subject(self, railway: str) -> str:
        return f"train:{railway}/B{self.number:05}{railway.upper()}/{self.starts.date().isoformat()}"

    def _consignment(self, place: int) -> str:
        return f"consignment:{_FORWARDERS[place % 2]}/BM{self.number}-{place}"

    def _boxes_of(self, place: int) -> Sequence[str]:
        return self.boxes[place :: self.parts]

    def _sent(
        self, hours: float, party: str, type: str, name: str, subject: str, data: dict[str, Any], *, dated: bool = True
    ) -> Report:
        at = self._at(hours)
        said = {"occurred_at": utc_text(at), **data} if dated else data
        return reported(at + timedelta(minutes=9), party, type, f"{name}-{self.number}", subject, said)

    def _milestone(self, hours: float, party: str, code: str, subject: str, point: str, **more: str) -> Report:
        name = f"{code}-{point}-{subject.partition(':')[2].replace('/', '-')}"
        data = {"code": code, "classifier": "ACT", "point": point, **more}
        return self._sent(hours, party, catalogue.MILESTONE, name, subject, data)

    def _planned_and_booked(self) -> Iterator[Report]:
        run = f"run:pk-ru/B{self.number:05}"
        for place in range(self.parts):
            forwarder, other = _FORWARDERS[place % 2], _FORWARDERS[1 - place % 2]
            roles = {self.draw.choice(_SHIPPERS): "shipper", forwarder: "forwarder", "caspian-trading": "consignee"}
            data = {
                "run": run,
                "route_variant": "R1",
                "origin": "pk-lahore",
                "destination": "ru-astrakhan",
                "containers": list(self._boxes_of(place)),
                "parties": [{"party": p, "role": role} for p, role in ({**roles, other: "declarant"}).items()],
            }
            yield self._sent(
                _FIRST_HOUR + place, forwarder, catalogue.BOOKED, f"BKD-{place}", self._consignment(place), data
            )
        for railway, moves in TIMETABLE.items():
            data = {"route_variant": "R1", "run": run, "calls": self._calls(moves)}
            yield self._sent(
                -180, railway, catalogue.PLANNED, f"PLAN-{railway}", self._subject(railway), data, dated=False
            )

    def _calls(self, moves: Sequence[tuple[int, str, str, str]]) -> list[dict[str, str]]:
        times = {"DEPA": "departure", "ARRI": "arrival", "BARR": "arrival"}
        calls: dict[str, dict[str, str]] = {}
        for hours, code, point, _ in moves:
            if code in times:
                planned = utc_text(self.starts + timedelta(hours=hours))
                calls.setdefault(point, {"point": point})[times[code]] = planned
        return list(calls.values())

    def _moves(self) -> Iterator[Report]:
        for railway, moves in TIMETABLE.items():
            loads = [self.boxes[n : n + 2] for n in range(0, len(self.boxes), 2)]
            listed = zip(self._wagons_of(railway), loads, strict=True)
            wagons = [{"wagon": w, "position": n, "containers": list(load)} for n, (w, load) in enumerate(listed, 1)]
            data = {"point": moves[0][2], "run": f"run:pk-ru/B{self.number:05}", "wagons": wagons}
            train = self._subject(railway)
            yield self._sent(moves[0][0] - 3, railway, catalogue.COMPOSED, f"COMP-{railway}", train, data)
            for hours, code, point, party in moves:
                yield self._milestone(hours, party, code, train, point)

    def _box_by_box(self) -> Iterator[Report]:
        for number, box in enumerate(self.boxes):
            late = number / 20
            yield self._milestone(-60 + late, "lahore-dry-port", "GTIN", box, "pk-lahore")
            yield self._milestone(-40 + late, "lahore-dry-port", "SEAL", box, "pk-lahore")
            yield self._milestone(-39 + late, "pr", "LOAD", box, "pk-lahore", wagon=self._wagons["pr"][number // 2])
            for hours, point, yard, before, after in _CHANGES:
                old, new = self._wagons[before][number // 2], self._wagons[after][number // 2]
                yield self._milestone(hours + late, yard, "DISC", box, point, wagon=old)
                yield self._milestone(hours + 6 + late, yard, "LOAD", box, point, wagon=new)
            old = self._wagons["trk"][number // 2]
            yield self._milestone(404 + late, "astrakhan-terminal", "DISC", box, "ru-astrakhan", wagon=old)
            yield self._milestone(410 + late, "astrakhan-terminal", "DLVD", box, "ru-astrakhan")

    def _papers(
        self, place: int, jurisdiction: str, procedure: str, authority: str, statements: Sequence[tuple[int, str]]
    ) -> Iterator[Report]:
        about = self._consignment(place)
        case = Case(about, jurisdiction, procedure).key
        for hours, said in statements:
            name = f"{said}-{jurisdiction}-{place}"
            if said == "lodge":
                data = {"jurisdiction": jurisdiction, "procedure": procedure}
                yield self._sent(hours, _FORWARDERS[place % 2], catalogue.LODGED, name, about, data)
            else:
                data = {"decision": said, "officer": "A1"}
                yield self._sent(hours, authority, catalogue.DECISION, name, case, data)
