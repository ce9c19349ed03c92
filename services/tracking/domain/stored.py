"""How it is stored what subjects share: written and read here alone.

Invariant: what lacks something, or has it in another form, is not read: the fold fails, and is tried again when the
subject that shares it has been drawn anew.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, cast

import orjson

from contracts.events.fields import utc_text
from contracts.identifiers.subjects import kind_of
from services.chassis.projection.fold import Inputs
from services.chassis.projection.shapes import MAYBE_TEXT, Kind, members, row
from services.tracking.domain.associations import Interval, Mention
from services.tracking.domain.reports import Report
from services.tracking.domain.shared import Clash, Container, Held, Own, Part, Reference, Summary, Train, Wagon


def write(summary: Summary, own: Own) -> dict[str, Any]:
    """What a subject shares, as it is stored."""
    return {"summary": summary.as_json(), **_written(own)}


def summary_of(inputs: Inputs, subject: str) -> Summary | None:
    """The summary of a subject; None for one that has no picture yet."""
    given = inputs.shared.get(subject)
    return _read_summary(given.text) if given else None


def train_of(inputs: Inputs, train: str) -> Train | None:
    """What a train shares with all, its facts as what was on board takes them over; None without a picture."""
    return cast(Train | None, _own_of(inputs, train))


def parts_of(inputs: Inputs) -> list[Part]:
    """What each train that is read shares with the subject alone: an empty part where that never was in the train."""
    return [_read_part(s, given.own) for s, given in inputs.shared.items() if kind_of(s) == "train"]


def wagon_of(inputs: Inputs, wagon: str) -> Wagon | None:
    """What a wagon shares, its facts as what it carried takes them over; None without a picture."""
    return cast(Wagon | None, _own_of(inputs, wagon))


def wagons_of(inputs: Inputs) -> dict[str, Wagon]:
    """The wagons that are read."""
    return {s: cast(Wagon, _own_of(inputs, s)) for s in inputs.shared if kind_of(s) == "wagon"}


def containers_of(inputs: Inputs) -> dict[str, Container]:
    """The containers that are read."""
    return {s: cast(Container, _own_of(inputs, s)) for s in inputs.shared if kind_of(s) == "container"}


def carried_of(inputs: Inputs) -> dict[str, Mapping[str, Any]]:
    """What containers that have gone on with other goods tell of the journey on which they carried this consignment."""
    own = ((s, given.own) for s, given in inputs.shared.items() if kind_of(s) == "container")
    return {subject: orjson.loads(text) for subject, text in own if text is not None}


def reference_of(inputs: Inputs, reference: str) -> Reference | None:
    """What a document number shares, its acts as its consignment takes them over; None without a picture."""
    return cast(Reference | None, _own_of(inputs, reference))


def _own_of(inputs: Inputs, subject: str) -> Own:
    given = inputs.shared.get(subject)
    return _read_own(subject, given.text) if given else None


# --- How it is stored

_FACT: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("source", "event_id", "code"), str),
    "point": MAYBE_TEXT,
    **dict.fromkeys(("occurred_at", "instant", "party", "role"), str),
    "reported_for": MAYBE_TEXT,
    **dict.fromkeys(("channel", "updated_at"), str),
    "via": MAYBE_TEXT,
    **dict.fromkeys(("inferred", "claimed", "sighting"), bool),
}
_SUMMARY: Final[Mapping[str, Kind]] = {"status": str, **dict.fromkeys(("code", "point", "instant"), MAYBE_TEXT)}
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_TRAIN: Final[Mapping[str, Kind]] = {"facts": list, "run": MAYBE_TEXT}
_PART: Final[Mapping[str, Kind]] = {"rides": list, "mentions": list}
_WAGON: Final[Mapping[str, Kind]] = {"facts": list, "mentions": list, "trains": list}
_RIDE: Final[tuple[Kind, ...]] = (str, int, MAYBE_TEXT, int)
_CONTAINER: Final[Mapping[str, Kind]] = {"claims": list, "contested": list}
_REFERENCE: Final[Mapping[str, Kind]] = {"holder": MAYBE_TEXT, "claimants": list, "opened_at": MAYBE_TEXT, "acts": list}


def _written(own: Own) -> dict[str, Any]:
    match own:
        case Train(facts, run, parts):
            return {"facts": _facts(facts), "run": run, "parts": {w: _part(p) for w, p in parts.items()}}
        case Wagon(facts, mentions, trains):
            rides = [[r.other, *_ends(r)] for r in trains]
            return {"facts": _facts(facts), "mentions": [_mention(m) for m in mentions], "trains": rides}
        case Container(held, contested, former):
            clashes = [[c.consignment, c.rival, utc_text(c.opened_at)] for c in contested]
            claims = [[h.consignment, _text(h.moved_at), h.told.as_json()] for h in held]
            return {"claims": claims, "contested": clashes} | ({"parts": dict(former)} if former else {})
        case Reference(holder, claimants, opened_at, acts):
            told = [fact | {"extras": dict(act.extras)} for act, fact in zip(acts, _facts(acts), strict=True)]
            return {"holder": holder, "claimants": list(claimants), "opened_at": _text(opened_at), "acts": told}
        case None:
            return {}


# A round folds the wagons of a train one after the other: what they all read is made once. It may not be changed.
@lru_cache(maxsize=128)
def _value(text: str) -> dict[str, Any]:
    value: dict[str, Any] = orjson.loads(text)
    return value


@lru_cache(maxsize=128)
def _read_own(subject: str, text: str) -> Own:
    reader = _READERS.get(kind_of(subject))
    return reader(subject, _value(text)) if reader else None


def _read_summary(text: str) -> Summary:
    (value,) = members(_value(text), {"summary": dict})
    return _summary(value)


def _summary(value: Mapping[str, Any]) -> Summary:
    status, code, point, instant = members({"code": None, "point": None, "instant": None, **value}, _SUMMARY)
    return Summary(status, code, point, _instant(instant))


def _read_train(train: str, value: Any) -> Train:
    facts, run = members(value, _TRAIN)
    return Train(_read_facts(facts, train), run, {})


def _read_part(train: str, text: str | None) -> Part:
    if text is None:
        return Part()
    rides, mentions = members(orjson.loads(text), _PART)
    return Part(tuple(_read_ride(train, ride) for ride in rides), _read_mentions(mentions))


def _read_wagon(wagon: str, value: Any) -> Wagon:
    facts, mentions, trains = members(value, _WAGON)
    rides = tuple(_read_ride(row(ride, str, *_RIDE)[0], ride[1:]) for ride in trains)
    return Wagon(_read_facts(facts, wagon), _read_mentions(mentions), rides)


def _read_container(_: str, value: Any) -> Container:
    claims, contested = members(value, _CONTAINER)
    held = (
        Held(name, _instant(at), _summary(told)) for name, at, told in (row(c, str, MAYBE_TEXT, dict) for c in claims)
    )
    clashes = (row(c, str, str, str) for c in contested)
    return Container(tuple(held), tuple(Clash(one, rival, datetime.fromisoformat(at)) for one, rival, at in clashes))


def _read_reference(reference: str, value: Any) -> Reference:
    holder, claimants, opened_at, acts = members(value, _REFERENCE)
    extras = [members(act, {"extras": dict})[0] for act in acts]
    told = tuple(_read_fact(act, reference, more) for act, more in zip(acts, extras, strict=True))
    return Reference(holder, tuple(claimants), _instant(opened_at), told)


_READERS: Final[Mapping[str, Callable[[str, Any], Own]]] = {
    "train": _read_train,
    "wagon": _read_wagon,
    "container": _read_container,
    "reference": _read_reference,
}


def _part(part: Part) -> dict[str, Any]:
    return {"rides": [_ends(r) for r in part.rides], "mentions": [_mention(m) for m in part.mentions]}


def _ends(ride: Interval) -> list[Any]:
    return [utc_text(ride.start), ride.start_rank, _text(ride.end), ride.end_rank]


def _read_ride(train: str, ends: Any) -> Interval:
    start, start_rank, end, end_rank = row(ends, *_RIDE)
    return Interval(train, datetime.fromisoformat(start), _instant(end), start_rank, end_rank)


def _mention(one: Mention) -> list[Any]:
    return [utc_text(one.instant), one.rank, *one.identity, list(one.carried), one.point]


def _read_mentions(rows: Sequence[Any]) -> tuple[Mention, ...]:
    found = (row(one, str, int, str, str, list, MAYBE_TEXT) for one in rows)
    return tuple(
        Mention(datetime.fromisoformat(at), rank, (s, e), tuple(carried), point)
        for at, rank, s, e, carried, point in found
    )


def _facts(reports: Iterable[Report]) -> list[dict[str, Any]]:
    return [
        {
            "source": one.source,
            "event_id": one.event_id,
            "code": one.code,
            "point": one.point,
            "occurred_at": one.occurred_at,
            "instant": utc_text(one.instant),
            "party": one.party,
            "role": one.role,
            "reported_for": one.reported_for,
            "channel": one.channel,
            "updated_at": utc_text(one.updated_at),
            "via": one.via,
            "inferred": one.inferred,
            "claimed": one.claimed,
            "sighting": one.sighting,
        }
        for one in reports
    ]


def _read_facts(rows: Iterable[Any], sharer: str) -> tuple[Report, ...]:
    return tuple(_read_fact(one, sharer, _NOTHING) for one in rows)


def _read_fact(value: Any, sharer: str, extras: Mapping[str, Any]) -> Report:
    """A report as others take it over: it came to them by the one who shares it, or who had it from another."""
    source, event_id, code, point, occurred_at, instant, party, role, reported_for, *rest = members(value, _FACT)
    channel, updated_at, via, inferred, claimed, sighting = rest
    return Report(
        source,
        event_id,
        code,
        "ACT",
        point,
        occurred_at,
        datetime.fromisoformat(instant),
        party,
        role,
        reported_for,
        channel,
        datetime.fromisoformat(updated_at),
        via or sharer,
        inferred,
        claimed,
        sighting,
        None,
        extras,
    )


def _text(instant: datetime | None) -> str | None:
    return utc_text(instant) if instant else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
