"""What travels: 8 consignments, 31 containers, goods in 2 covered wagons, and the wagons on each gauge.

Invariant: every number has a valid check digit and none is a real owner's; wagons are others on each gauge, while
containers and consignments keep their names to the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contracts.identifiers.schemes import make_cim, make_container, make_uic_wagon, make_wagon_1520
from deploy.demo.scenario.model import Consignment, Wagon, by

INDUS: Final = "indus-forwarding"
VOLGA: Final = "volga-logistics"

NOTED: Final = by(INDUS, "06-20 16:00").at
"""When the CIM notes were issued, each by the forwarder of its consignment."""
REISSUED: Final = by("trk", "07-03 07:00")
"""When the SMGS notes were, by the Turkmen railway, for the same goods."""

CONTAINERS: Final = tuple(
    f"container:{make_container(owner, first + number)}"
    for owner, first, count in (("PKRU", 100101, 23), ("KTZU", 204051, 8))
    for number in range(count)
)
LEFT_BEHIND: Final = CONTAINERS[17]
"""Unloaded at Zahedan and not loaded again: its door is damaged, and it waits for another box."""

ON_BOARD: Final = tuple(box for box in CONTAINERS if box != LEFT_BEHIND)


def _consignment(
    number: int, key: str, booked: str, first_box: int, boxes: int, goods: tuple[str, str, int, int], shipper: str
) -> Consignment:
    issuer = key.partition("/")[0]
    hs, description, packages, gross_kg = goods
    return Consignment(
        key=f"consignment:{key}",
        booked=by(issuer, booked),
        shipper=shipper,
        consignee="caspian-trading",
        hs=hs,
        description=description,
        packages=packages,
        gross_kg=gross_kg,
        containers=CONTAINERS[first_box : first_box + boxes],
        cim=make_cim(70260 + number),
        smgs=f"2026-{4410 + number}",
        goods_declaration=f"LHEX-EB-{20410 + number}",
    )


_RAVI, _SIALKOT, _MEDICAL = "ravi-textiles", "sialkot-leather", "lahore-medical"

CONSIGNMENTS: Final = (
    _consignment(1, f"{INDUS}/IF-2601", "06-10 09:00", 0, 8, ("630260", "Cotton towels", 4160, 118_400), _RAVI),
    _consignment(2, f"{INDUS}/IF-2602", "06-10 11:30", 8, 6, ("420310", "Leather jackets", 2900, 61_200), _SIALKOT),
    _consignment(3, f"{INDUS}/IF-2603", "06-11 10:15", 14, 6, ("520942", "Denim in rolls", 1320, 97_800), _RAVI),
    _consignment(
        4, f"{INDUS}/IF-2604", "06-11 15:40", 20, 5, ("901890", "Electro-medical devices", 610, 32_500), _MEDICAL
    ),
    _consignment(5, f"{VOLGA}/VL-118", "06-12 10:00", 25, 4, ("610910", "T-shirts", 2080, 44_000), _RAVI),
    _consignment(6, f"{VOLGA}/VL-119", "06-12 12:20", 29, 2, ("640399", "Leather shoes", 1140, 21_600), _SIALKOT),
    _consignment(7, f"{INDUS}/IF-2605", "06-13 09:45", 31, 0, ("520512", "Cotton yarn in bales", 480, 48_000), _RAVI),
    _consignment(8, f"{VOLGA}/VL-120", "06-13 14:05", 31, 0, ("100630", "Rice in bags", 1100, 55_000), _RAVI),
)
GOODS: Final = tuple(c for c in CONSIGNMENTS if not c.containers)
"""The consignments that travel without a container, one in each covered wagon."""


def wagons_broad() -> tuple[Wagon, ...]:
    """Pakistan's wagons to Zahedan: two boxes on a flat. Pakistan has no UIC country code, so numbers are national."""
    flats = [f"wagon:national/PRBKF{40101 + n}" for n in range(16)]
    covered = [f"wagon:national/PRBCW{30117 + n}" for n in range(2)]
    return _train(flats, 2, CONTAINERS, covered, tare_kg=21_500, length_mm=14_500)


def wagons_standard() -> tuple[Wagon, ...]:
    """Iran's wagons from Zahedan to Sarakhs: three boxes on a flat."""
    flats = [f"wagon:uic/{make_uic_wagon('31964930', 11 + n)}" for n in range(10)]
    covered = [f"wagon:uic/{make_uic_wagon('31961500', 205 + n)}" for n in range(2)]
    return _train(flats, 3, ON_BOARD, covered, tare_kg=20_000, length_mm=19_740)


def wagons_1520() -> tuple[Wagon, ...]:
    """The wagons of the 1520 mm area from Sarakhs to Astrakhan: two boxes on a flat."""
    flats = [f"wagon:1520/{make_wagon_1520(9, 460_101 + n)}" for n in range(15)]
    covered = [f"wagon:1520/{make_wagon_1520(2, 454_881 + n)}" for n in range(2)]
    return _train(flats, 2, ON_BOARD, covered, tare_kg=22_000, length_mm=14_620)


def _train(
    flats: Sequence[str], boxes: int, cargo: Sequence[str], covered: Sequence[str], *, tare_kg: int, length_mm: int
) -> tuple[Wagon, ...]:
    loads = [tuple(cargo[n * boxes : (n + 1) * boxes]) for n in range(len(flats))]
    assert all(loads) and sum(map(len, loads)) == len(cargo), "every box has a place and no flat is empty"
    goods = [(c.key,) for c in GOODS]
    pairs = [*zip(flats, loads, strict=True), *zip(covered, goods, strict=True)]
    return tuple(Wagon(key, load, tare_kg, length_mm) for key, load in pairs)
