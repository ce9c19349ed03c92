"""A scene with a secret in every free field: rivals on one train, a box re-used, a claim on somebody else's box, a
case that two countries share.

Each secret is a word of its own; who may read it is said in `expected`, by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from contracts import catalogue
from contracts.envelope.codec import Event
from tests.support import builders as b

# Words that stand for what they are named by. They can be a code, a number, an id and a text alike.
_NAMED: Final = (
    "own_number own_remark own_goods own_description own_paper own_seal own_seal_later own_gate_remark own_gate_event "
    "rival_number rival_remark rival_goods rival_paper home_number home_remark train_remark plan_remark plan_cause "
    "depart_remark depart_event stop_cause pass_event pass_remark former_number former_remark former_seal "
    "next_number next_remark next_seal claim_number claim_remark "
    "shared_number shared_guarantee shared_goods shared_document shared_remark kgd_office kgd_officer kgd_hold_office "
    "kgd_hold_officer kgd_hold_remark kgd_reason kgd_remark fbr_office fbr_officer fbr_hold_officer fbr_hold_office "
    "fcs_office fcs_officer paper_number stranger_number stranger_remark dead_officer dead_remark dead_operator"
)
WORDS: Final = tuple(_NAMED.split())
SECRET: Final[Mapping[str, str]] = {name: f"ZQ{number:03}X" for number, name in enumerate(WORDS, start=100)}

OWN, SECOND = b.CONTAINER, b.container(2)
REUSED, HOME_BOX, STRAY = b.container(3), b.container(4), b.container(5)
PK_TRAIN, IR_TRAIN = b.TRAIN, "train:rai/IR0001/2026-06-26"
WAGONS: Final = tuple(b.wagon(n) for n in range(1, 6))
A = f"consignment:indus-forwarding/{SECRET['own_number']}"
V = f"consignment:volga-logistics/{SECRET['rival_number']}"
HOME = f"consignment:indus-forwarding/{SECRET['home_number']}"
FORMER = f"consignment:indus-forwarding/{SECRET['former_number']}"
NEXT = f"consignment:volga-logistics/{SECRET['next_number']}"
CLAIM = f"consignment:volga-logistics/{SECRET['claim_number']}"
STRANGER = f"consignment:volga-logistics/{SECRET['stranger_number']}"
PAPER = "reference:smgs:trk:SM-4711"
SHARED = f"case:{A}/EAEU/TRANSIT/1"
EXPORT = f"case:{A}/PK/EXPORT/1"
IMPORT = f"case:{PAPER}/RU/IMPORT/1"

SUBJECTS: Final = (
    *(OWN, REUSED, PK_TRAIN, IR_TRAIN, A, V, HOME, FORMER, NEXT, CLAIM, PAPER),
    f"reference:smgs:trk:{SECRET['own_paper']}",
)
NOWHERE: Final = "consignment:volga-logistics/NOPE"
DECISIONS: Final = (("kgd", SHARED, "kgd-accept"), ("fbr", EXPORT, "fbr-accept"), ("fcs", IMPORT, "fcs-accept"))


def first() -> Iterator[Event]:
    """What happens before somebody claims what is not his."""
    yield from _bookings()
    yield from _trains()
    yield from _reused()
    yield from _papers()


def then() -> Iterator[Event]:
    """What happens from then on: the claims of a rival, and what goes on with the box."""
    yield _booked(CLAIM, [OWN], "volga-logistics", occurred_at="1990-01-02T00:00:00Z", remarks=SECRET["claim_remark"])
    yield _booked(
        STRANGER,
        [STRAY],
        "volga-logistics",
        remarks=SECRET["stranger_remark"],
        references=[{"scheme": "smgs", "issuer": "trk", "number": "SM-4711"}],
    )
    seals = [{"number": SECRET["own_seal_later"]}]
    yield b.a_milestone("SEAL", OWN, 125, "ir-zahedan", party="zahedan-yard", seals=seals)


def misplaced() -> Iterator[tuple[Event, str]]:
    """What is refused, with the topic that it is sent to."""
    hold = {"hold": "H9", "reason": "NAV_SEAL_ALARM", "occurred_at": b.hours(-1)}
    said = {"officer": SECRET["dead_officer"], "remarks": SECRET["dead_remark"]}
    yield b.an_event(catalogue.HOLD_PLACED, IMPORT, hold | said, party="kgd", id="h-dead"), "customs-decisions-kgd"
    plan = b.a_plan("train:pr/PK0009/2026-06-22", remarks=SECRET["dead_operator"], id="p-dead")
    yield plan, "milestones-rai"


def _booked(consignment: str, boxes: list[str], party: str, **more: Any) -> Event:
    return b.a_booking(boxes, consignment, party=party, **more)


def _cast(*parties: tuple[str, str]) -> list[dict[str, str]]:
    return [{"party": party, "role": role} for party, role in parties]


def _bookings() -> Iterator[Event]:
    papers = {n: [{"scheme": "smgs", "issuer": "trk", "number": SECRET[n]}] for n in ("own_paper", "rival_paper")}
    yield _booked(
        A,
        [OWN],
        "indus-forwarding",
        parties=_cast(("ravi-textiles", "shipper"), ("caspian-trading", "consignee")),
        remarks=SECRET["own_remark"],
        description=SECRET["own_description"],
        goods=[{"description": SECRET["own_goods"]}],
        references=[*papers["own_paper"], {"scheme": "smgs", "issuer": "trk", "number": "SM-4711"}],
    )
    yield _booked(
        V,
        [SECOND],
        "volga-logistics",
        parties=_cast(("sialkot-leather", "shipper")),
        remarks=SECRET["rival_remark"],
        goods=[{"description": SECRET["rival_goods"]}],
        references=papers["rival_paper"],
    )
    yield _booked(
        HOME,
        [HOME_BOX],
        "indus-forwarding",
        parties=_cast(("lahore-medical", "shipper")),
        remarks=SECRET["home_remark"],
        destination="pk-quetta",
        route_variant=None,
    )


def _trains() -> Iterator[Event]:
    boxes = {WAGONS[0]: [OWN], WAGONS[1]: [SECOND], WAGONS[2]: [HOME_BOX]}
    gate: Any = {"remarks": SECRET["own_gate_remark"], "id": SECRET["own_gate_event"]}
    seals = [{"number": SECRET["own_seal"]}]
    yield b.a_milestone("GTIN", OWN, -10, party="lahore-dry-port", seals=seals, **gate)
    yield b.a_plan(PK_TRAIN, remarks=SECRET["plan_remark"], cause=SECRET["plan_cause"])
    yield b.a_consist(boxes, PK_TRAIN, remarks=SECRET["train_remark"])
    left = {"remarks": SECRET["depart_remark"], "id": SECRET["depart_event"]}
    yield b.a_milestone("DEPA", PK_TRAIN, 2, **left)
    yield b.a_milestone("STOP", PK_TRAIN, 20, "pk-sibi", cause=SECRET["stop_cause"])
    onward = {w: c for w, c in boxes.items() if c != [HOME_BOX]}
    yield b.a_milestone("ARRI", PK_TRAIN, 60, "pk-quetta")
    yield b.a_consist(onward, PK_TRAIN, 62, "pk-quetta")
    yield b.a_milestone("DEPA", PK_TRAIN, 63, "pk-quetta")
    yield b.a_milestone("ARRI", PK_TRAIN, 101, "pk-taftan")
    yield b.a_consist(onward, IR_TRAIN, 110, "ir-mirjaveh", party="rai")
    yield b.a_milestone("DEPA", IR_TRAIN, 112, "ir-mirjaveh", party="rai")
    heard = {"reported_for": "rai", "channel": "telephone", "remarks": SECRET["pass_remark"]}
    yield b.a_milestone("PASS", IR_TRAIN, 118, "ir-bam", party="indus-forwarding", id=SECRET["pass_event"], **heard)


def _reused() -> Iterator[Event]:
    at: Any = {"party": "lahore-dry-port"}
    cast = _cast(("ravi-textiles", "shipper"))
    yield _booked(FORMER, [REUSED], "indus-forwarding", parties=cast, remarks=SECRET["former_remark"])
    yield b.a_milestone("GTIN", REUSED, 1, seals=[{"number": SECRET["former_seal"]}], **at)
    yield b.a_milestone("DLVD", REUSED, 500, "ru-astrakhan", party="astrakhan-terminal")
    yield b.a_milestone("MTRT", REUSED, 550, **at)
    medical = _cast(("lahore-medical", "shipper"))
    more: dict[str, Any] = {"parties": medical, "remarks": SECRET["next_remark"], "occurred_at": b.hours(600)}
    yield _booked(NEXT, [REUSED], "volga-logistics", **more)
    yield b.a_milestone("GTIN", REUSED, 610, seals=[{"number": SECRET["next_seal"]}], **at)


def _papers() -> Iterator[Event]:
    yield b.a_declaration(
        A,
        jurisdiction="EAEU",
        procedure="TRANSIT",
        number=SECRET["shared_number"],
        guarantee={"required": True, "number": SECRET["shared_guarantee"]},
        goods=[{"description": SECRET["shared_goods"]}],
        documents=[{"type": "N325", "number": SECRET["shared_document"]}],
        remarks=SECRET["shared_remark"],
    )
    kgd: Any = {"office": SECRET["kgd_office"], "officer": SECRET["kgd_officer"], "reason": SECRET["kgd_reason"]}
    yield b.a_decision("accept", SHARED, party="kgd", id="kgd-accept", remarks=SECRET["kgd_remark"], **kgd)
    yield _held(
        SHARED,
        "kgd",
        "INTEL",
        office=SECRET["kgd_hold_office"],
        officer=SECRET["kgd_hold_officer"],
        remarks=SECRET["kgd_hold_remark"],
    )
    yield b.a_declaration(A)
    fbr: Any = {"office": SECRET["fbr_office"], "officer": SECRET["fbr_officer"]}
    yield b.a_decision("accept", EXPORT, party="fbr", id="fbr-accept", **fbr)
    yield _held(OWN, "fbr", "SANCTION_CHECK", office=SECRET["fbr_hold_office"], officer=SECRET["fbr_hold_officer"])
    yield b.a_declaration(PAPER, jurisdiction="RU", procedure="IMPORT", number=SECRET["paper_number"])
    fcs: Any = {"office": SECRET["fcs_office"], "officer": SECRET["fcs_officer"]}
    yield b.a_decision("accept", IMPORT, party="fcs", id="fcs-accept", **fcs)


def _held(scope: str, party: str, reason: str, **more: Any) -> Event:
    data = {"hold": f"H-{party}", "occurred_at": b.hours(-25), "reason": reason, **more}
    return b.an_event(catalogue.HOLD_PLACED, scope, data, party=party)


def planted() -> set[str]:
    """The words that some report of the scene has in it."""
    reports = [*first(), *then(), *(event for event, _ in misplaced())]
    texts = " ".join(json.dumps([e.id, e.subject, e.body.decode()]) for e in reports)
    return {name for name, word in SECRET.items() if word in texts}
