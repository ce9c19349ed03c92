"""What declarants and customs services send of the truth: declarations, decisions, holds.

Invariant: a decision is sent by whoever made it, on its own topic, and names the case.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from contracts import catalogue
from contracts.events.fields import utc_text
from deploy.demo.scenario.model import Case, Hold, Journey, Lodging, Ruling, Stamp
from deploy.demo.wire import Send

_DELAY_MINUTES: Final = 2


def sends(journey: Journey) -> Iterator[Send]:
    """Everything that declarants and customs send, in no particular order."""
    for case in journey.cases:
        for lodging in case.lodgings:
            yield _lodged(case, lodging)
        for ruling in case.rulings:
            yield _ruled(case, ruling)
    for hold in journey.holds:
        yield _hold(hold, catalogue.HOLD_PLACED, hold.placed, {"reason": hold.reason, "authority": hold.authority})
        yield _hold(hold, catalogue.HOLD_LIFTED, hold.lifted, {})


def _lodged(case: Case, lodging: Lodging) -> Send:
    consignment, at = case.consignment, _sent_at(lodging.by)
    goods = {"hs": consignment.hs, "packages": consignment.packages, "gross_kg": consignment.gross_kg}
    data = {
        **_times(lodging.by, at),
        "jurisdiction": case.jurisdiction,
        "procedure": case.procedure,
        "stage": lodging.stage,
        "attempt": lodging.attempt,
        "office": case.office,
        "containers": list(consignment.containers),
        "goods": [goods],
        "documents": [{"type": "cim", "number": consignment.cim}],
    }
    if case.procedure == "TRANSIT":
        data["guarantee"] = {"required": False, "ground": "carriage by rail"}
    name = f"{lodging.stage}-{case.jurisdiction}-{case.procedure}-{consignment.number}-{lodging.attempt}"
    return Send(at, lodging.by.party, catalogue.LODGED, name, consignment.key, data)


def _ruled(case: Case, ruling: Ruling) -> Send:
    at, party = _sent_at(ruling.by), ruling.by.party
    data = {
        **_times(ruling.by, at),
        "decision": ruling.decision,
        "office": case.office,
        "system": f"{party}-national",
        **ruling.more,
    }
    return Send(at, party, catalogue.DECISION, _name(case, ruling), case.key, data)


def _name(case: Case, ruling: Ruling) -> str:
    """Such as `release-IR-TRANSIT-IF-2602`; goods presented for inspection are presented once more at the end."""
    inspected = ruling.decision == "present" and ruling.state == "INSPECTING"
    decision = "present-for-inspection" if inspected else ruling.decision
    return f"{decision}-{case.jurisdiction}-{case.procedure}-{case.consignment.number}"


def _hold(hold: Hold, type_name: str, stamp: Stamp, more: dict[str, Any]) -> Send:
    at = _sent_at(stamp)
    what = "placed" if type_name == catalogue.HOLD_PLACED else "lifted"
    data = {**_times(stamp, at), "hold": hold.hold, "officer": f"{stamp.party} duty officer", **more}
    return Send(at, stamp.party, type_name, f"hold-{what}-{hold.hold}", hold.scope, data)


def _sent_at(stamp: Stamp) -> datetime:
    return stamp.at + timedelta(minutes=_DELAY_MINUTES)


def _times(stamp: Stamp, at: datetime) -> dict[str, Any]:
    return {"occurred_at": stamp.text, "updated_at": utc_text(at)}
