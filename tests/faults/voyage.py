"""One journey as its railways, yards and forwarders report it: two consignments on a chain of up to four trains.

Invariant: what follows each other lies at least two hours apart, before half an hour of chance; each party reports
only what deploy/parties.yaml lets it report. Nothing is wrong yet: that is for `mess`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from contracts import catalogue
from contracts.events.fields import utc_text
from contracts.identifiers.schemes import make_container, make_uic_wagon, make_wagon_1520
from tests.faults.report import Report, milestone, reported

SUMMER: Final = datetime(2026, 6, 10, tzinfo=UTC)
SHIPPERS: Final = ("ravi-textiles", "sialkot-leather", "lahore-medical")

Moves = Sequence[tuple[int, str, str, str]]

# Hours from the departure at Lahore: code, point, who reports it, by train.
_PR: Final = (
    (0, "DEPA", "pk-lahore", "pr"),
    (30, "PASS", "pk-sibi", "pr"),
    (60, "ARRI", "pk-quetta", "pr"),
    (74, "DEPA", "pk-quetta", "pr"),
    (110, "BARR", "pk-taftan", "pr"),
    (134, "DEPA", "pk-taftan", "pr"),
    (136, "BARR", "ir-mirjaveh", "rai"),
    (142, "DEPA", "ir-mirjaveh", "rai"),
    (146, "ARRI", "ir-zahedan", "rai"),
)
_RAI: Final = ((170, "DEPA", "ir-zahedan", "rai"), (190, "PASS", "ir-bam", "rai"), (230, "BARR", "ir-sarakhs", "rai"))
_TRK: Final = (
    (256, "DEPA", "ir-sarakhs", "trk"),
    (258, "BARR", "tm-serakhs", "trk"),
    (262, "DEPA", "tm-serakhs", "trk"),
    (280, "PASS", "tm-ashgabat", "trk"),
    (310, "BARR", "tm-serhetyaka", "trk"),
)
_KTZ: Final = (
    (340, "DEPA", "kz-bolashak", "ktz"),
    (350, "PASS", "kz-beyneu", "ktz"),
    (380, "BARR", "kz-kigash", "ktz"),
    (384, "DEPA", "kz-kigash", "ktz"),
    (390, "BARR", "ru-aksarayskaya", "rzd"),
    (394, "DEPA", "ru-aksarayskaya", "rzd"),
    (400, "ARRI", "ru-astrakhan", "rzd"),
)
_TO_KZ: Final = ((314, "DEPA", "tm-serhetyaka", "trk"), (316, "BARR", "kz-bolashak", "ktz"))
TIMETABLE: Final[dict[str, Moves]] = {"pr": _PR, "rai": _RAI, "trk": (*_TRK, *_TO_KZ), "ktz": _KTZ}
"""The whole way to Russia, by the railway whose train it is."""


@dataclass
class Voyage:
    """The subjects and the calendar of one journey; `far` says whether it goes on to Russia."""

    number: int
    draw: random.Random
    starts: datetime
    far: bool
    shipper: str
    changed_wagon: bool
    _minutes: dict[float, int] = field(default_factory=dict)

    @property
    def run(self) -> str:
        return f"run:pk-ru/F{self.number:03}"

    @property
    def consignments(self) -> tuple[str, str]:
        return f"consignment:indus-forwarding/F{self.number:03}", f"consignment:volga-logistics/F{self.number:03}"

    @property
    def containers(self) -> tuple[str, str, str]:
        """Two of the first consignment, one of the second."""
        one, two, three = (f"container:{make_container('PKRU', 400000 + self.number * 10 + n)}" for n in range(3))
        return one, two, three

    def wagons(self, railway: str) -> tuple[str, str]:
        """One for the two containers of the first consignment, one for that of the second."""
        return self.wagon(railway, 0), self.wagon(railway, 1)

    def wagon(self, railway: str, serial: int) -> str:
        number = self.number * 4 + serial
        if railway == "pr":
            return f"wagon:national/PRF{number:05}"
        if railway == "rai":
            return f"wagon:uic/{make_uic_wagon('31969' + f'{number // 1000:03}', number % 1000)}"
        return f"wagon:1520/{make_wagon_1520(4, 300000 + number)}"

    def train(self, railway: str) -> str:
        return f"train:{railway}/F{self.number:03}{railway.upper()}/{self.starts.date().isoformat()}"

    def at(self, hours: float) -> datetime:
        """The instant of an hour of the plan, with the chance of half an hour that it was late."""
        minutes = self._minutes.setdefault(hours, self.draw.randrange(30))
        return self.starts + timedelta(hours=hours, minutes=minutes)

    def planned(self, hours: float) -> str:
        return utc_text(self.starts + timedelta(hours=hours))


def voyage(number: int, seed: int) -> Voyage:
    """The journey of a number."""
    draw = random.Random(f"{seed}/{number}")
    starts = SUMMER + timedelta(minutes=draw.randrange(25 * 24 * 60))
    return Voyage(number, draw, starts, draw.random() < 0.5, draw.choice(SHIPPERS), draw.random() < 0.5)


def movements(one: Voyage) -> dict[str, Moves]:
    """What each train does, by its railway."""
    moves: dict[str, Moves] = {"pr": _PR, "rai": _RAI, "trk": (*_TRK, *_TO_KZ) if one.far else _TRK}
    return {**moves, "ktz": _KTZ} if one.far else moves


def reports(one: Voyage) -> Iterator[Report]:
    """Everything that operators report of a journey, in no particular order."""
    yield from _papers(one)
    for railway, moves in movements(one).items():
        yield _plan(one, railway, moves)
        yield _consist(one, railway, moves[0][0] - 3, moves[0][2])
        for hours, code, point, party in moves:
            yield milestone(one.at(hours), party, code, one.train(railway), point)
    yield from _also_seen(one)
    yield from _at_lahore(one)
    yield from _changed_wagon(one) if one.changed_wagon else ()
    yield from _moved_over(one, 150, "ir-zahedan", "zahedan-yard", "pr", "rai")
    yield from _moved_over(one, 236, "ir-sarakhs", "sarakhs-yard", "rai", "trk")
    yield from _delivered(one) if one.far else ()


def note_number(one: Voyage, place: int) -> str:
    return f"F{one.number:03}-{place}"


def note(one: Voyage, place: int) -> dict[str, str]:
    """The SMGS note of a consignment, as its booking names it."""
    return {"scheme": "smgs", "issuer": "trk", "number": note_number(one, place)}


def booking(one: Voyage, place: int) -> Report:
    """The booking of the first or the second consignment."""
    consignment = one.consignments[place]
    forwarder = consignment.partition(":")[2].partition("/")[0]
    shipper, consignee = ((one.shipper, "caspian-trading"), ("caspian-trading", None))[place]
    other = one.consignments[1 - place].partition(":")[2].partition("/")[0]
    roles = {"shipper": shipper, "forwarder": forwarder, "consignee": consignee, "declarant": other}
    data = {
        "occurred_at": utc_text(one.at(-190 + place)),
        "run": one.run,
        "route_variant": "R1",
        "origin": "pk-lahore",
        "destination": "ru-astrakhan",
        "containers": list((one.containers[:2], one.containers[2:])[place]),
        "parties": [{"party": party, "role": role} for role, party in roles.items() if party],
        "references": [note(one, place)],
    }
    return reported(one.at(-189 + place), forwarder, catalogue.BOOKED, f"BKD-F{one.number:03}", consignment, data)


def _papers(one: Voyage) -> Iterator[Report]:
    calls = [{"point": m[2], "departure": one.planned(m[0])} for m in _PR if m[1] == "DEPA"]
    plan = {"route_variant": "R1", "calls": calls}
    yield reported(one.at(-200), "pr", catalogue.PLANNED, f"PLAN-F{one.number:03}", one.run, plan)
    for place, consignment in enumerate(one.consignments):
        yield booking(one, place)
        yield milestone(one.at(-180 + place), "pr", "NOTE", consignment, "pk-lahore")
        number = note_number(one, place)
        yield milestone(one.at(238 + place), "trk", "NOTE", f"reference:smgs:trk:{number}", "ir-sarakhs")


def _plan(one: Voyage, railway: str, moves: Moves) -> Report:
    times = {"DEPA": "departure", "ARRI": "arrival", "BARR": "arrival"}
    calls: dict[str, dict[str, str]] = {}
    for hours, code, point, _ in moves:
        if code in times:
            calls.setdefault(point, {"point": point})[times[code]] = one.planned(hours)
    data = {"route_variant": "R1", "run": one.run, "calls": list(calls.values())}
    identity = f"PLAN-F{one.number:03}-{railway}"
    return reported(one.at(-199), railway, catalogue.PLANNED, identity, one.train(railway), data)


def _consist(one: Voyage, railway: str, hours: float, point: str) -> Report:
    """Both wagons with what is on them; from Turkmenistan on the same wagons run through."""
    wagons = one.wagons("trk" if railway == "ktz" else railway)
    loads = (one.containers[:2], one.containers[2:])
    data = {
        "occurred_at": utc_text(one.at(hours)),
        "point": point,
        "run": one.run,
        "wagons": [
            {"wagon": wagon, "position": number, "containers": list(load)}
            for number, (wagon, load) in enumerate(zip(wagons, loads, strict=True), start=1)
        ],
    }
    identity = f"COMP-{point}-F{one.number:03}"
    sent = one.at(hours) + timedelta(minutes=6)
    return reported(sent, railway, catalogue.COMPOSED, identity, one.train(railway), data)


def _also_seen(one: Voyage) -> Iterator[Report]:
    """The neighbour sees the train arrive as well, a forwarder hears of it by telephone, and wagons are handed over."""
    minutes = one.draw.choice((7, 12, 150))
    seen = one.at(136) + timedelta(minutes=minutes)
    yield milestone(seen, "pr", "BARR", one.train("pr"), "ir-mirjaveh")
    for wagon in (one.wagons("pr")[0], one.wagon("pr", 2 if one.changed_wagon else 1)):
        yield milestone(one.at(139), "rai", "HACC", wagon, "ir-mirjaveh", handover_to="rai")
    heard = one.at(280) + timedelta(minutes=11)
    told: dict[str, Any] = {"reported_for": "trk", "channel": "telephone"}
    yield milestone(heard, "indus-forwarding", "PASS", one.train("trk"), "tm-ashgabat", **told)
    heard = one.at(270)
    yield milestone(heard, "indus-forwarding", "PASS", one.train("trk"), "tm-tejen", **told)


def _at_lahore(one: Voyage) -> Iterator[Report]:
    for number, box in enumerate(one.containers):
        wagon = one.wagons("pr")[number // 2]
        yield milestone(one.at(-60 + number), "lahore-dry-port", "GTIN", box, "pk-lahore")
        # Sealed in the minute in which it is loaded: the rank of the code decides.
        yield milestone(one.at(-40 + number), "lahore-dry-port", "SEAL", box, "pk-lahore")
        yield milestone(one.at(-40 + number), "pr", "LOAD", box, "pk-lahore", wagon=wagon)


def _changed_wagon(one: Voyage) -> Iterator[Report]:
    """At Quetta the second wagon is cut out, and its container goes on with another one."""
    old, new, box = one.wagons("pr")[1], one.wagon("pr", 2), one.containers[2]
    yield milestone(one.at(62), "pr", "DTCH", old, "pk-quetta", train=one.train("pr"))
    yield milestone(one.at(64), "pr", "DISC", box, "pk-quetta", wagon=old)
    yield milestone(one.at(66), "pr", "LOAD", box, "pk-quetta", wagon=new)
    yield milestone(one.at(68), "pr", "ATCH", new, "pk-quetta", train=one.train("pr"))


def _moved_over(one: Voyage, hours: int, point: str, yard: str, before: str, after: str) -> Iterator[Report]:
    """Every container from the wagon of one gauge to that of the other."""
    for number, box in enumerate(one.containers):
        changed = before == "pr" and one.changed_wagon and number == 2
        old = one.wagon("pr", 2) if changed else one.wagons(before)[number // 2]
        new = one.wagons(after)[number // 2]
        yield milestone(one.at(hours + number), yard, "DISC", box, point, wagon=old)
        yield milestone(one.at(hours + 6 + number), yard, "LOAD", box, point, wagon=new)


def _delivered(one: Voyage) -> Iterator[Report]:
    for number, box in enumerate(one.containers):
        wagon = one.wagons("trk")[number // 2]
        yield milestone(one.at(404 + number), "astrakhan-terminal", "DISC", box, "ru-astrakhan", wagon=wagon)
        yield milestone(one.at(410 + number), "astrakhan-terminal", "DLVD", box, "ru-astrakhan")
