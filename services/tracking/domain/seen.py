"""What of a picture a party is shown: the rule of `visibility`, as tracking's own pictures are read by it.

Invariant: a party of the cargo is shown its own interval alone, and no other consignment, cause or name. What is not
shown is not counted either.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from contracts.corridor.corridor import Corridor
from contracts.events.fields import moment
from contracts.identifiers.subjects import kind_of
from services.chassis.base import countries, visibility
from services.chassis.base.visibility import Audience, Claim, Viewer, Way
from services.tracking.domain.eta.estimates import OURS, PLAN

Picture = Mapping[str, Any]

_DELIVERED: Final = frozenset({"DLVD", "STRP", "MTRT"})
_BASE: Final = ("subject", "kind", "known")
# What is of the subject as a whole: for who carries it, and of a consignment for its parties.
_WHOLE: Final = (
    "version",
    "recorded_at",
    "journey",
    "more",
    "parties",
    "references",
    "origin",
    "destination",
    "route_variant",
    "run",
    "calls",
)
_FACT: Final = (
    "fact_id",
    "code",
    "classifier",
    "point",
    "visit",
    "occurred_at",
    "instant",
    "confidence",
    "via",
    "wagon",
    "train",
    "container",
    "seals",
    "position",
    "claim",
    "sighting",
    "out_of_order",
    "disputed",
    "counts",
)
_EXPECTED: Final = ("point", "expected", "earliest", "latest", "made_at", "planned", "journeys")
_TROUBLE: Final = ("rule", "leg", "severity", "opened_at", "about")


@dataclass(frozen=True, slots=True)
class Eyes:
    """Who looks at a subject, with all that the rule asks for."""

    viewer: Viewer
    way: Way
    audience: Audience
    corridor: Corridor

    def opens(self, locks: Collection[str]) -> bool:
        return not visibility.keys_of(self.viewer).isdisjoint(locks)

    def country(self, code: str | None) -> str | None:
        point = self.corridor.resolve(code) if code else None
        return point.country if point else None

    def sees(self, fact: Mapping[str, Any]) -> bool:
        return self.opens(self.way.locks(_at(fact["instant"]), self.country(fact.get("point"))))

    def reporter(self, one: Mapping[str, Any], instant: datetime) -> str | None:
        own = self.way.cargo(instant)
        return self.audience.reporter(one["party"], one.get("reported_for"), one.get("via"), own)

    def instant(self, said: Mapping[str, Any]) -> datetime | None:
        """When a statement says that something occurred."""
        point = self.corridor.resolve(said["point"]) if said.get("point") else None
        return moment(said["occurred_at"], point.zone_info if point else UTC) if said.get("occurred_at") else None


def way_of(picture: Picture, around: Mapping[str, Picture], corridor: Corridor) -> Way:
    """The way of a subject; `around` are the consignments that it carries or stands for, and the run of a train."""
    subject, route = picture["subject"], route_of(picture, corridor)
    kind = picture["kind"]
    if kind == "consignment":
        return Way(subject, route, _parties(picture))
    if kind == "reference":
        holder = around.get(picture.get("holder", ""))
        return Way(subject) if holder is None else Way(subject, route_of(holder, corridor), _parties(holder))
    if kind == "train":
        route = tuple(dict.fromkeys([*route, *(c for p in around.values() for c in route_of(p, corridor))]))
        return Way(subject, route)
    return Way(subject, route, frozenset(), claims_of(picture, around, corridor))


def route_of(picture: Picture, corridor: Corridor) -> tuple[str, ...]:
    """The countries of a subject's way."""
    seen = [one.get("point") for name in ("calls", "timeline", "members") for one in picture.get(name, ())]
    ends = picture.get("origin"), picture.get("destination")
    return countries.countries_of(picture["subject"], picture.get("route_variant"), ends, seen, corridor)


def claims_of(picture: Picture, around: Mapping[str, Picture], corridor: Corridor) -> list[Claim]:
    """The claims on a unit, with the parties and routes of their consignments."""
    about = {s: (_parties(p), route_of(p, corridor)) for s, p in around.items() if kind_of(s) == "consignment"}
    return visibility.claims_of(_claimed(picture), about)


def beside(picture: Picture) -> list[str]:
    """The subjects whose pictures say who may see this one."""
    if picture.get("holder"):
        return [picture["holder"]]
    carried = [name for name, _, _ in _claimed(picture)]
    return [*carried, *([picture["run"]] if picture["kind"] == "train" and picture.get("run") else [])]


def row_locks(picture: Picture, corridor: Corridor) -> tuple[list[str], list[str]]:
    """The locks on what a list shows of a subject, and the subjects that it is in, whose locks count as well."""
    last = (picture.get("timeline") or [{}])[-1]
    instant, place = last.get("instant"), picture.get("place") or {}
    at = _at(instant) if instant else None
    carried = [n for n, start, end in _claimed(picture) if end is None or at is None or start <= at <= end]
    way = Way(picture["subject"], () if carried else route_of(picture, corridor))
    run = [picture["run"]] if picture["kind"] == "train" and picture.get("run") else []
    holder = [picture["holder"]] if picture.get("holder") else []
    return sorted(way.moved(at, place.get("country"))), [*carried, *run, *holder]


def shown(picture: Picture, eyes: Eyes, members: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """A picture as a party may see it, with the members that it may; None where it may see nothing of it."""
    way, every = eyes.way, picture.get("timeline", ())
    last = every[-1] if every else None
    now = (_at(last["instant"]), eyes.country(last.get("point"))) if last else (None, None)
    if eyes.opens({visibility.ALL}):
        return dict(picture)
    facts = [fact for fact in every if eyes.sees(fact)]
    whole = eyes.opens(way.whole(*now))
    associations = [a for a in picture.get("associations", ()) if _may_see(a, eyes, now)]
    if not (facts or whole or any(a["relation"] == "in_consignment" for a in associations)):
        return None
    moves = whole and eyes.opens(visibility.planned((*way.countries(now[0]), *([now[1]] if now[1] else ()))))
    found = {n: picture[n] for n in (*_BASE, *(_WHOLE if whole else ())) if n in picture}
    found |= _standing(picture, facts, eyes, whole=whole)
    found["timeline"] = [fact if moves else _plain(fact, eyes) for fact in facts]
    found["forecasts"] = [f if moves else _plain(f, eyes) for f in picture.get("forecasts", ()) if eyes.sees(f)]
    found["estimates"] = _expected(picture, eyes, moves=moves) if whole or "place" in found else None
    found["associations"] = associations
    found["exceptions"] = [e for one in picture.get("exceptions", ()) if (e := _trouble(one, eyes, moves=moves))]
    if whole:
        found["members"] = list(members)
        found["units"] = picture.get("units")
    issuer = picture["kind"] == "consignment" and eyes.viewer.party == visibility.issuer_of(picture["subject"])
    if (moves or issuer) and "requests" in picture:
        found["requests"] = picture["requests"]
    if moves:
        found |= {n: picture[n] for n in ("claimants", "holder", "parked") if n in picture} | {
            "latest": facts[-1] if facts else None
        }
    return {name: value for name, value in found.items() if value is not None and value != []}


def while_carrying(consignment: str, parts: Mapping[str, Picture]) -> list[Mapping[str, Any]]:
    """The facts of the units of a consignment from the time in which they carried it."""
    found: list[Mapping[str, Any]] = []
    for part in parts.values():
        claims = [c for c in _claims_alone(part) if c.consignment == consignment]
        found += [f for f in part.get("timeline", ()) if any(c.covers(_at(f["instant"])) for c in claims)]
    return found


def _standing(picture: Picture, facts: Sequence[Mapping[str, Any]], eyes: Eyes, *, whole: bool) -> dict[str, Any]:
    """Where it is and how it stands: only for who may see what brought it there."""
    place = picture.get("place")
    if place is None and (whole or not picture.get("timeline")):
        return {"status": picture["status"]}
    by = next((f for f in facts if place and f["fact_id"] == place["fact_id"]), None)
    if place is None or by is None:
        code = facts[-1]["code"] if facts else ""
        return {"status": "delivered" if code in _DELIVERED else "unknown"}
    party = eyes.reporter(by, _at(by["instant"]))
    shown = {n: v for n, v in place.items() if n != "party"} | ({"party": party} if party else {})
    last = picture.get("last_seen") or {}
    seen = {"last_seen": last} if any(f["fact_id"] == last.get("fact_id") for f in facts) else {}
    return {"status": picture["status"], "place": shown, "latest": _plain(facts[-1], eyes), **seen}


def _expected(picture: Picture, eyes: Eyes, *, moves: bool) -> list[Mapping[str, Any]]:
    """When it comes to the points ahead: a party of the cargo gets the range, and of sources those that move it."""
    every = picture.get("estimates", ())
    return list(every) if moves else [_range(one, eyes) for one in every]


def _range(one: Mapping[str, Any], eyes: Eyes) -> dict[str, Any]:
    kept = {n: one[n] for n in _EXPECTED if n in one}
    known = one["source"] in (OURS, PLAN) or eyes.audience.reporter(one["source"], None, one["source"], ())
    return kept | ({"source": one["source"]} if known else {})


def _may_see(one: Mapping[str, Any], eyes: Eyes, now: tuple[datetime | None, str | None]) -> bool:
    """Whether an association is a party's to see: what a unit carries, and what it was on meanwhile."""
    start, end = _at(one["start"]), _at(one["end"]) if one.get("end") else None
    claims = [c for c in eyes.way.claims if one["relation"] != "in_consignment" or c.consignment == one["subject"]]
    locks = [c.locks for c in claims if c.meets(start, end)]
    if one["relation"] != "in_consignment":
        locks.append(eyes.way.whole(start, None) | (eyes.way.moved(*now) if end is None else frozenset()))
    return eyes.opens(frozenset[str]().union(*locks))


def _plain(fact: Mapping[str, Any], eyes: Eyes) -> dict[str, Any]:
    """A fact or forecast as a party of the cargo is told of it: what, where, when, and who says so."""
    party = eyes.reporter(fact, _at(fact["instant"]))
    kept = {n: fact[n] for n in _FACT if n in fact}
    return kept | ({"party": party} if party else {})


def _trouble(one: Mapping[str, Any], eyes: Eyes, *, moves: bool) -> dict[str, Any] | None:
    said = one.get("statements", ())
    instants = [i for s in said if (i := eyes.instant(s)) is not None] or [_at(one["opened_at"])]
    cargo, locks = eyes.way.trouble(instants, [eyes.country(s.get("point")) for s in said])
    if not eyes.opens(locks):
        return None
    if moves:
        return dict(one)
    kept = {n: one[n] for n in _TROUBLE if n in one}
    return kept | ({"statements": [_saying(s, cargo, eyes) for s in said]} if said else {})


def _saying(one: Mapping[str, Any], cargo: frozenset[str], eyes: Eyes) -> dict[str, Any]:
    party = eyes.audience.reporter(one["party"], one.get("reported_for"), one.get("via"), cargo)
    return {n: one[n] for n in ("code", "point", "occurred_at", "counts") if n in one} | (
        {"party": party} if party else {}
    )


def _claims_alone(part: Picture) -> list[Claim]:
    """The intervals in which a unit carried what, whoever the parties are."""
    return visibility.claims_of(_claimed(part), {name: ((), ()) for name, _, _ in _claimed(part)})


def _claimed(picture: Picture) -> list[tuple[str, datetime, datetime | None]]:
    listed = [a for a in picture.get("associations", ()) if a["relation"] == "in_consignment"]
    return [(a["subject"], _at(a["start"]), _at(a["end"]) if a.get("end") else None) for a in listed]


def _parties(consignment: Picture) -> frozenset[str]:
    return visibility.parties_of(consignment["subject"], (p["party"] for p in consignment.get("parties", ())))


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
