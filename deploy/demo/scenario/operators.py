"""What railways, terminals and forwarders send of the truth: bookings, notes, plans, consists, milestones.

Invariant: one report for each thing that a party knows, sent some minutes later from its own source, with an id that
says what it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from contracts import catalogue
from contracts.events.fields import utc_text
from deploy.demo.scenario.cargo import INDUS, NOTED, REISSUED, VOLGA
from deploy.demo.scenario.model import (
    CLOCKS,
    ROUTE,
    RUN,
    Consignment,
    Handling,
    Journey,
    Movement,
    PlannedCall,
    Stamp,
    Train,
    by,
)
from deploy.demo.scenario.timetable import PR
from deploy.demo.wire import Mode, Send

DELAY_MINUTES: Final[Mapping[str, int]] = {
    "pr": 20,
    "rai": 30,
    "trk": 25,
    "ktz": 10,
    "rzd": 5,
    "lahore-dry-port": 45,
    "zahedan-yard": 60,
    "sarakhs-yard": 40,
    "astrakhan-terminal": 15,
    "indus-forwarding": 5,
    "volga-logistics": 5,
}
"""How long a party takes to report."""

# A small terminal without a system of its own uses the HTTP door; a yard's system writes structured events.
_MODES: Final[Mapping[str, Mode]] = {"astrakhan-terminal": "http", "zahedan-yard": "structured", "rzd": "structured"}

# Points as their reporters call them; the others use the corridor's own keys.
_ALIASES: Final[Mapping[tuple[str, str], str]] = {
    ("lahore-dry-port", "pk-lahore"): "unlocode:PKMGP",
    ("zahedan-yard", "ir-zahedan"): "unlocode:IRZAH",
    ("sarakhs-yard", "ir-sarakhs"): "unlocode:IRCKT",
    ("ktz", "kz-bolashak"): "esr:664703",
    ("ktz", "kz-beyneu"): "esr:662905",
    ("rzd", "ru-aksarayskaya"): "esr:617505",
    ("rzd", "ru-astrakhan"): "unlocode:RUASF",
}

# Flat objects: a consignment's parties with their roles.
_Role = Mapping[str, str]


def sends(journey: Journey) -> Iterator[Send]:
    """Everything that operators send, in no particular order."""
    for consignment in journey.consignments:
        yield from _papers(consignment)
    for subject, calls in journey.plan.items():
        yield _planned(subject, list(calls))
    for train in journey.trains:
        yield _composed(train)
        for movement in train.movements:
            for stamp in (movement.by, *movement.also):
                yield _moved(train, movement, stamp)
    for handling in journey.handlings:
        yield _handled(handling)


def milestone(
    stamp: Stamp, code: str, subject: str, point: str | None, *, sent_at: datetime | None = None, **more: Any
) -> Send:
    """The report of a milestone by whoever's clock the stamp is."""
    at = sent_at or stamp.at + timedelta(minutes=DELAY_MINUTES[stamp.party])
    data: dict[str, Any] = {
        "code": code,
        "classifier": "ACT",
        "occurred_at": stamp.text,
        "updated_at": utc_text(at),
        **({"point": _ALIASES.get((stamp.party, point), point)} if point else {}),
        **more,
    }
    return Send(at, stamp.party, catalogue.MILESTONE, id_of(code, point, subject), subject, data, _mode(stamp.party))


def id_of(code: str, point: str | None, subject: str) -> str:
    """Such as `DISC-ir-zahedan-PKRU1001010`: unique for its source, and readable in a dead letter."""
    return "-".join(filter(None, (code, point, subject.partition(":")[2].replace("/", "-"))))


def _mode(party: str) -> Mode:
    return _MODES.get(party, "binary")


def _moved(train: Train, movement: Movement, stamp: Stamp) -> Send:
    return milestone(stamp, movement.code, train.key, movement.point)


def _handled(handling: Handling) -> Send:
    more = dict(handling.more) | ({"wagon": handling.wagon} if handling.wagon else {})
    return milestone(handling.by, handling.code, handling.subject, handling.point, **more)


def _papers(consignment: Consignment) -> Iterator[Send]:
    """The booking, its CIM note, the booking again once there is an SMGS note, and that note by its number alone."""
    yield _booked(consignment, consignment.booked.at, with_smgs=False)
    noted = Stamp(NOTED, consignment.issuer)
    yield milestone(noted, "NOTE", consignment.key, "pk-lahore", remarks=f"CIM {consignment.cim}")
    yield _booked(consignment, REISSUED.at, with_smgs=True)
    yield milestone(REISSUED, "NOTE", f"reference:smgs:trk:{consignment.smgs}", "ir-sarakhs")


def _booked(consignment: Consignment, at: datetime, *, with_smgs: bool) -> Send:
    goods = {
        "hs": consignment.hs,
        "description": consignment.description,
        "packages": consignment.packages,
        "gross_kg": consignment.gross_kg,
    }
    data = {
        "occurred_at": consignment.booked.text,
        "updated_at": utc_text(at),
        "run": RUN,
        "route_variant": ROUTE,
        "origin": "pk-lahore",
        "destination": "ru-astrakhan",
        "containers": list(consignment.containers),
        "parties": parties(consignment),
        "goods": [goods],
        "references": references(consignment, with_smgs=with_smgs),
    }
    sent_at = at + timedelta(minutes=DELAY_MINUTES[consignment.issuer])
    return Send(sent_at, consignment.issuer, catalogue.BOOKED, f"BKD-{consignment.number}", consignment.key, data)


def parties(consignment: Consignment) -> list[_Role]:
    """Who has a part in a consignment."""
    return [
        {"party": consignment.shipper, "role": "shipper"},
        {"party": consignment.consignee, "role": "consignee"},
        {"party": consignment.issuer, "role": "forwarder"},
        {"party": VOLGA if consignment.issuer == INDUS else INDUS, "role": "declarant"},
    ]


def references(consignment: Consignment, *, with_smgs: bool = True) -> list[dict[str, str]]:
    """The papers of a consignment; the CIM note ends and the SMGS note begins where the law changes."""
    papers = [("cim", "pr", consignment.cim), ("pk-gd", "fbr", consignment.goods_declaration)]
    papers += [("smgs", "trk", consignment.smgs)] if with_smgs else []
    return [{"scheme": scheme, "issuer": issuer, "number": number} for scheme, issuer, number in papers]


def _planned(subject: str, calls: list[PlannedCall]) -> Send:
    railway = "pr" if subject == RUN else subject.partition(":")[2].partition("/")[0]
    at = by("pr", "06-15 12:00" if subject in (RUN, PR) else "06-16 12:00").at
    data = {
        "updated_at": utc_text(at),
        "route_variant": ROUTE,
        "calls": [_call(call, railway) for call in calls],
        **({} if subject == RUN else {"run": RUN}),
    }
    return Send(at, railway, catalogue.PLANNED, id_of("PLAN", None, subject), subject, data, _mode(railway))


def _call(call: PlannedCall, party: str) -> dict[str, str]:
    times = {"arrival": call.arrival, "departure": call.departure}
    written = {name: at.astimezone(CLOCKS[party]).isoformat() for name, at in times.items() if at is not None}
    return {"point": call.point, **written}


def _composed(train: Train) -> Send:
    stamp, point = train.composed.by, train.composed.point
    at = stamp.at + timedelta(minutes=DELAY_MINUTES[train.railway])
    wagons = [
        {
            "wagon": wagon.key,
            "position": position,
            "containers": [c for c in wagon.cargo if c.startswith("container:")],
            "consignment": next((c for c in wagon.cargo if c.startswith("consignment:")), None),
            "tare_kg": wagon.tare_kg,
            "length_mm": wagon.length_mm,
        }
        for position, wagon in enumerate(train.wagons, start=1)
    ]
    data = {
        "occurred_at": stamp.text,
        "updated_at": utc_text(at),
        "point": _ALIASES.get((train.railway, point), point),
        "run": RUN,
        "wagons": wagons,
    }
    return Send(
        at, train.railway, catalogue.COMPOSED, id_of("COMP", point, train.key), train.key, data, _mode(train.railway)
    )
