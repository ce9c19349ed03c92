"""What was done to wagons, boxes and goods on the way: stuffing, loading, both gauge changes, handovers, delivery.

Invariant: one thing happens to a subject at one instant; a box is on at most one wagon at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from deploy.demo.scenario.cargo import (
    CONTAINERS,
    GOODS,
    LEFT_BEHIND,
    ON_BOARD,
    wagons_1520,
    wagons_broad,
    wagons_standard,
)
from deploy.demo.scenario.model import Handling, Stamp, Wagon, by

INSPECTED: Final = CONTAINERS[9]
"""The box that Turkmen customs open at Serakhs; it gets another seal."""


def handlings() -> tuple[Handling, ...]:
    """Everything, in no particular order."""
    return (
        *_lahore(),
        *_mirjaveh(),
        *_zahedan(),
        *_sarakhs(),
        *_serakhs(),
        *_bolashak(),
        *_aksarayskaya(),
        *_astrakhan(),
    )


def _where(wagons: tuple[Wagon, ...]) -> Mapping[str, str]:
    return {cargo: wagon.key for wagon in wagons for cargo in wagon.cargo}


def seal_of(box: str) -> str:
    """The number of the seal that was put on at Lahore."""
    return f"LDP{box[-7:]}"


def _seal(number: str, by_whom: str, reason: str = "first") -> Mapping[str, Any]:
    return {"seals": [{"number": number, "kind": "bolt", "affixed_by": by_whom, "reason": reason}]}


def _lahore() -> Iterator[Handling]:
    place, wagon_of = "pk-lahore", _where(wagons_broad())
    start = by("lahore-dry-port", "06-18 08:00")
    for number, box in enumerate(CONTAINERS):
        gate, train = start.later(25 * number), by("lahore-dry-port", "06-21 08:00").later(15 * number)
        yield Handling("GTIN", box, place, gate)
        yield Handling("STUF", box, place, gate.later(20 * 60))
        yield Handling("SEAL", box, place, gate.later(23 * 60), more=_seal(seal_of(box), "shipper"))
        yield Handling("LOAD", box, place, train, wagon_of[box])
    for number, goods in enumerate(GOODS):
        done = by("lahore-dry-port", "06-21 17:00").later(90 * number)
        wagon = wagon_of[goods.key]
        yield Handling("LOAD", goods.key, place, done, wagon)
        yield Handling("SEAL", wagon, place, done.later(30), more=_seal(f"LDPW{number + 1:03d}", "shipper"))


def _accepted(wagons: tuple[Wagon, ...], point: str, first: Stamp) -> Iterator[Handling]:
    """The receiving railway takes wagon after wagon."""
    for number, wagon in enumerate(wagons):
        yield Handling("HACC", wagon.key, point, first.later(5 * number), more={"handover_to": first.party})


def _mirjaveh() -> Iterator[Handling]:
    yield from _accepted(wagons_broad(), "ir-mirjaveh", by("rai", "06-27 10:00"))


def _zahedan() -> Iterator[Handling]:
    """Broad to standard gauge: all boxes off first, then those that go on; goods from wagon to wagon."""
    place, before, after = "ir-zahedan", _where(wagons_broad()), _where(wagons_standard())
    for number, box in enumerate(CONTAINERS):
        begun = by("zahedan-yard", "06-27 19:00").later(20 * number)
        yield Handling("GCIN", box, place, begun)
        damaged = {"cause": "door-damaged"} if box == LEFT_BEHIND else {}
        yield Handling("DISC", box, place, begun.later(12), before[box], damaged)
    for number, box in enumerate(ON_BOARD):
        done = by("zahedan-yard", "06-28 10:00").later(40 * number)
        yield Handling("LOAD", box, place, done, after[box])
        yield Handling("GCOUT", box, place, done.later(9))
    yield from _transloaded(place, by("zahedan-yard", "06-28 07:00"), before, after)


def _sarakhs() -> Iterator[Handling]:
    """Standard to 1520 mm: each box straight across, once the Turkmen railway has accepted it."""
    place, before, after = "ir-sarakhs", _where(wagons_standard()), _where(wagons_1520())
    for number, box in enumerate(ON_BOARD):
        begun = by("sarakhs-yard", "07-03 08:30").later(40 * number)
        yield Handling("HACC", box, place, by("trk", "07-03 07:30").later(2 * number), more={"handover_to": "trk"})
        yield Handling("GCIN", box, place, begun)
        yield Handling("DISC", box, place, begun.later(6), before[box])
        yield Handling("LOAD", box, place, begun.later(25), after[box])
        yield Handling("GCOUT", box, place, begun.later(31))
    for number, goods in enumerate(GOODS):
        taken = by("trk", "07-03 09:00").later(10 * number)
        yield Handling("HACC", before[goods.key], place, taken, more={"handover_to": "trk"})
    yield from _transloaded(place, by("sarakhs-yard", "07-03 12:00"), before, after)


def _transloaded(place: str, start: Stamp, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Handling]:
    """Goods without a container go from wagon to wagon by hand, which takes half a day for each."""
    for number, goods in enumerate(GOODS):
        begun = start.later(15 * number)
        yield Handling("GCIN", goods.key, place, begun)
        yield Handling("DISC", goods.key, place, begun.later(5 * 60), before[goods.key])
        yield Handling("LOAD", goods.key, place, begun.later(11 * 60), after[goods.key])
        yield Handling("GCOUT", goods.key, place, begun.later(11 * 60 + 20))


def _serakhs() -> Iterator[Handling]:
    yield Handling(
        "SEAL",
        INSPECTED,
        "tm-serakhs",
        by("trk", "07-04 21:45"),
        more=_seal("TMC0417793", "customs", "after_inspection"),
    )


def _bolashak() -> Iterator[Handling]:
    yield from _accepted(wagons_1520(), "kz-bolashak", by("ktz", "07-07 08:00"))


def _aksarayskaya() -> Iterator[Handling]:
    yield from _accepted(wagons_1520(), "ru-aksarayskaya", by("rzd", "07-10 04:10"))


def _astrakhan() -> Iterator[Handling]:
    place, wagon_of, terminal = "ru-astrakhan", _where(wagons_1520()), "astrakhan-terminal"
    for number, box in enumerate(ON_BOARD):
        yield Handling("DISC", box, place, by(terminal, "07-10 12:00").later(10 * number), wagon_of[box])
        yield Handling("GTOT", box, place, by(terminal, "07-11 12:30").later(6 * number))
        yield Handling("DLVD", box, place, by(terminal, "07-11 13:30").later(6 * number))
    for number, goods in enumerate(GOODS):
        unloaded = by(terminal, "07-10 18:00").later(75 * number)
        yield Handling("DISC", goods.key, place, unloaded, wagon_of[goods.key])
        yield Handling("DLVD", goods.key, place, by(terminal, "07-11 15:00").later(20 * number))
