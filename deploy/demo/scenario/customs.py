"""What five customs services decide: 8 consignments under 5 regimes each, 40 cases.

Invariant: each border's rule is kept, so that nobody violates anything: an exit is confirmed before the train leaves
the exit station, an entry is released before it leaves the entry zone, and no hold is open at a release.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contracts.identifiers.subjects import Case as CaseKey
from deploy.demo.scenario.cargo import CONSIGNMENTS, INDUS, LEFT_BEHIND, VOLGA
from deploy.demo.scenario.handling import INSPECTED
from deploy.demo.scenario.model import Case, Consignment, Hold, Lodging, Ruling, by

_BETWEEN: Final = 4
"""Minutes from one consignment's papers to the next one's, on the same desk."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A decision that every case of a regime gets, and when the first of them gets it."""

    decision: str
    party: str
    time: str
    state: str


@dataclass(frozen=True, slots=True)
class _Regime:
    jurisdiction: str
    procedure: str
    office: str
    declarant: str
    advance: str | None
    lodged: str
    rules: tuple[_Rule, ...]


def _rules(party: str, *rows: str) -> tuple[_Rule, ...]:
    return tuple(_Rule(d, party, f"{day} {time}", state) for d, day, time, state in (row.split() for row in rows))


_EXPORT: Final = _Regime(
    "PK",
    "EXPORT",
    "PKLHE-DP",
    INDUS,
    None,
    "06-19 10:00",
    _rules(
        "fbr",
        "accept 06-19 12:00 ACCEPTED",
        "release 06-20 15:00 RELEASED",
        "start_transit 06-22 05:00 IN_TRANSIT",
        "present 06-26 14:00 PRESENTED",
        "discharge 06-27 07:30 DISCHARGED",
    ),
)
_IRAN: Final = _Regime(
    "IR",
    "TRANSIT",
    "IR-ZAH",
    INDUS,
    "06-24 11:00",
    "06-26 16:00",
    _rules(
        "irica",
        "accept 06-27 11:30 ACCEPTED",
        "release 06-29 09:00 RELEASED",
        "start_transit 06-29 14:10 IN_TRANSIT",
        "present 07-02 18:00 PRESENTED",
        "discharge 07-04 12:00 DISCHARGED",
    ),
)
_TURKMENISTAN: Final = _Regime(
    "TM",
    "TRANSIT",
    "TM-SRK",
    INDUS,
    "06-30 10:00",
    "07-03 12:00",
    _rules(
        "tmcustoms",
        "accept 07-04 17:40 ACCEPTED",
        "release 07-04 22:00 RELEASED",
        "start_transit 07-04 22:40 IN_TRANSIT",
        "present 07-06 20:00 PRESENTED",
        "discharge 07-07 02:00 DISCHARGED",
    ),
)
_UNION: Final = _Regime(
    "EAEU",
    "TRANSIT",
    "KZ-BOL",
    VOLGA,
    "07-04 09:00",
    "07-06 10:00",
    (
        *_rules(
            "kgd",
            "accept 07-07 08:00 ACCEPTED",
            "release 07-07 12:00 RELEASED",
            "start_transit 07-07 15:30 IN_TRANSIT",
        ),
        *_rules("fcs", "present 07-10 12:00 PRESENTED", "discharge 07-10 15:00 DISCHARGED"),
    ),
)
_IMPORT: Final = _Regime(
    "RU",
    "IMPORT",
    "RU-AST",
    VOLGA,
    None,
    "07-10 16:00",
    _rules(
        "fcs",
        "accept 07-10 17:00 ACCEPTED",
        "release 07-11 10:00 RELEASED",
        "discharge 07-11 11:30 CLOSED",
    ),
)
_REGIMES: Final = (_EXPORT, _IRAN, _TURKMENISTAN, _UNION, _IMPORT)

TOWELS, JACKETS, DENIM, DEVICES, SHIRTS, SHOES, YARN, RICE = CONSIGNMENTS


def _key(consignment: Consignment, regime: _Regime) -> str:
    return CaseKey(consignment.key, regime.jurisdiction, regime.procedure).key


def cases() -> tuple[Case, ...]:
    """All cases, consignment by consignment."""
    return tuple(_case(regime, number, one) for number, one in enumerate(CONSIGNMENTS) for regime in _REGIMES)


def holds() -> tuple[Hold, ...]:
    """Two holds, both lifted before the release."""
    return (
        Hold(
            "IR-ZAH-0117",
            DEVICES.containers[2],
            "SEAL_MISMATCH",
            "customs",
            by("irica", "06-28 10:20"),
            by("irica", "06-28 16:45"),
            (_key(DEVICES, _IRAN),),
        ),
        Hold(
            "RU-AST-5521",
            _key(RICE, _IMPORT),
            "SPS_PLANT",
            "plant_health",
            by("fcs", "07-10 18:30"),
            by("fcs", "07-11 08:15"),
            (_key(RICE, _IMPORT),),
        ),
    )


def _case(regime: _Regime, number: int, consignment: Consignment) -> Case:
    delay = _BETWEEN * number
    rulings = [r for rule in regime.rules for r in _ruled(regime, rule, consignment, delay)]
    return Case(
        _key(consignment, regime),
        consignment,
        regime.jurisdiction,
        regime.procedure,
        regime.office,
        tuple(_lodgings(regime, consignment, delay)),
        tuple(sorted(rulings, key=lambda r: r.by.at)),
    )


def _lodgings(regime: _Regime, consignment: Consignment, delay: int) -> Iterator[Lodging]:
    if regime.advance:
        yield Lodging(by(regime.declarant, regime.advance).later(delay), "advance")
    yield Lodging(by(regime.declarant, regime.lodged).later(delay), "declaration")
    if _is_sent_back(regime, consignment):
        yield Lodging(by(regime.declarant, "07-06 17:30"), "declaration", attempt=2)


def _ruled(regime: _Regime, rule: _Rule, consignment: Consignment, delay: int) -> Iterator[Ruling]:
    at = by(rule.party, rule.time).later(delay)
    if rule.decision == "accept":
        if _is_sent_back(regime, consignment):
            yield Ruling("reject", by(rule.party, "07-06 14:00"), "REJECTED", {"reason": "FORMAT"})
        yield Ruling("accept", at, rule.state, {"number": _number(regime, consignment)})
        yield from _examined(regime, consignment)
        return
    yield Ruling(rule.decision, at, rule.state, _details(regime, rule, consignment))


def _is_sent_back(regime: _Regime, consignment: Consignment) -> bool:
    """One EAEU declaration fails the checks of form; its declarant mends and sends it again."""
    return regime is _UNION and consignment is YARN


def _examined(regime: _Regime, consignment: Consignment) -> Sequence[Ruling]:
    """What happens between acceptance and release: mostly nothing (green channel)."""
    if regime is _IRAN and consignment is JACKETS:
        return [Ruling("review", by("irica", "06-27 15:00"), "DOC_REVIEW", {"reason": "DOC_MISMATCH"})]
    if regime is _TURKMENISTAN and consignment is JACKETS:
        seals = [{"number": "TMC0417793", "kind": "bolt", "affixed_by": "customs", "reason": "after_inspection"}]
        return [
            Ruling("inspect", by("tmcustoms", "07-04 18:30"), "INSPECTION_ORDERED", {"reason": "RANDOM"}),
            Ruling("present", by("tmcustoms", "07-04 19:40"), "INSPECTING"),
            Ruling("inspected", by("tmcustoms", "07-04 21:30"), "INSPECTING", {"seals": seals}),
        ]
    return []


def _details(regime: _Regime, rule: _Rule, consignment: Consignment) -> dict[str, Any]:
    if rule.decision == "release" and regime is _EXPORT and consignment is TOWELS:
        return {"origin": "transcribed", "national_number": consignment.goods_declaration}
    if rule.decision == "start_transit" and regime.procedure == "TRANSIT":
        return {"limit": f"2026-07-{15 + _REGIMES.index(regime)}", "limit_office": regime.office}
    if rule.decision in ("present", "discharge"):
        # The box that stayed at Zahedan is still under transit; only what came is presented and written off.
        short = regime is _IRAN and LEFT_BEHIND in consignment.containers
        came = {"containers": [box for box in consignment.containers if box != LEFT_BEHIND]} if short else {}
        reason = {"reason": "PARTIAL" if short else "NORMAL"} if rule.decision == "discharge" else {}
        return reason | came
    return {}


def _number(regime: _Regime, consignment: Consignment) -> str:
    serial = 3301 + CONSIGNMENTS.index(consignment)
    return {
        "PK": consignment.goods_declaration,
        "IR": f"5030-{serial}",
        "TM": f"T26-{serial}",
        "EAEU": f"55312000/070726/000{serial}",
        "RU": f"10311020/100726/000{serial}",
    }[regime.jurisdiction]


assert INSPECTED in JACKETS.containers
