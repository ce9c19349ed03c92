"""The revisions that name a subject, as a party may read them: whole, as a fact, or not at all.

Invariant: raw is for the sender, for carriers where they carried, and for authorities to whose country it was coming.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from contracts import catalogue
from contracts.events.fields import utc_text
from contracts.identifiers.subjects import kind_of, local
from services.chassis.base import countries, visibility
from services.tracking.domain.seen import Eyes, Picture

_PLANS = (catalogue.PLANNED, catalogue.COMPOSED)
_UNITS = ("container", "wagon")


def revision(row: Mapping[str, Any], data: Mapping[str, Any], picture: Picture, eyes: Eyes) -> dict[str, Any] | None:
    """A revision in the form in which it may be read; `picture` is that of the subject that is asked for."""
    if eyes.opens(_locks(row, data, picture, eyes)):
        return {
            "form": "whole",
            "source": row["source"],
            "id": row["event_id"],
            "type": row["type"],
            "subject": row["subject"],
            "party": row["party"],
            "updated_at": utc_text(row["updated_at"]),
            "retracted": row["retracted"],
            "recorded_at": utc_text(row["recorded_at"]),
            "data": dict(data),
        }
    fact = {"instant": utc_text(_instant(row, data, eyes)), "point": data.get("point")}
    if row["type"] != catalogue.MILESTONE or row["subject"] != picture["subject"] or not eyes.sees(fact):
        return None
    return _fact(row, data, eyes)


def railways(facts: Iterable[Mapping[str, Any]], eyes: Eyes) -> list[str]:
    """The railways that had a subject, by its facts: on their trains, or on their ground."""
    return [found for fact in facts if (found := _railway(fact, eyes))]


def _fact(row: Mapping[str, Any], data: Mapping[str, Any], eyes: Eyes) -> dict[str, Any]:
    said = {"party": row["party"], "reported_for": data.get("reported_for")}
    shown = {
        "form": "fact",
        "type": row["type"],
        "subject": row["subject"],
        "party": eyes.reporter(said, _instant(row, data, eyes)),
        "retracted": row["retracted"],
        "recorded_at": utc_text(row["recorded_at"]),
        **{name: data.get(name) for name in ("code", "classifier", "point", "occurred_at")},
    }
    return {name: value for name, value in shown.items() if value is not None}


def _locks(row: Mapping[str, Any], data: Mapping[str, Any], picture: Picture, eyes: Eyes) -> frozenset[str]:
    found = visibility.sent_by(row["party"])
    if row["type"] == catalogue.BOOKED:
        return found | _of_booking(row["subject"], data, picture, eyes)
    instant = _instant(row, data, eyes)
    country = eyes.country(data.get("point"))
    had = [_railway({**data, "via": row["subject"]}, eyes), _railway({"via": data.get("train")}, eyes)]
    found |= visibility.carried([*had, _holder(picture, instant, eyes)])
    # What was said of a unit at an unknown place, at a time when it carried nothing that we know of, is nobody's.
    known = eyes.way.claimed(instant) or picture["kind"] not in _UNITS
    found |= visibility.coming(eyes.way.countries(instant) if known else (), country)
    if row["type"] in _PLANS and row["subject"] == picture["subject"]:
        found |= visibility.planned(eyes.way.route)
    return found | visibility.handled(row["subject"], country)


def _of_booking(consignment: str, data: Mapping[str, Any], picture: Picture, eyes: Eyes) -> frozenset[str]:
    """The locks on a booking: for carriers that have had what it books, and for the customs of its route."""
    ends = data.get("origin"), data.get("destination")
    route = countries.countries_of(consignment, data.get("route_variant"), ends, (), eyes.corridor)
    claims = [c for c in eyes.way.claims if c.consignment == consignment]
    facts = picture.get("timeline", ())
    if picture["kind"] in _UNITS:
        facts = [f for f in facts if any(c.covers(datetime.fromisoformat(f["instant"])) for c in claims)]
    elif picture["subject"] != consignment:
        facts = ()
    return visibility.carried(railways([*facts, *picture.get("of_units", ())], eyes)) | visibility.coming(route, None)


def _holder(picture: Picture, instant: datetime, eyes: Eyes) -> str | None:
    """The railway that had the subject at an instant, by what was last seen of it until then."""
    seen = [f for f in picture.get("timeline", ()) if datetime.fromisoformat(f["instant"]) <= instant]
    return next((found for f in reversed(seen) if (found := _railway(f, eyes))), None)


def _railway(fact: Mapping[str, Any], eyes: Eyes) -> str | None:
    via = fact.get("via") or ""
    if via and kind_of(via) == "train":
        return local(via).split("/")[0]
    point = eyes.corridor.resolve(fact["point"]) if fact.get("point") else None
    return point.railway if point else None


def _instant(row: Mapping[str, Any], data: Mapping[str, Any], eyes: Eyes) -> datetime:
    occurred: datetime = eyes.instant(data) or row["updated_at"]
    return occurred
