"""What customs keeps of tracking's pictures: units, consignments and references, with the holds on them.

Invariant: only what moves or delivers is passed on, with its confidence; a claim, a sighting without a place and what
befell a unit are not. A hold on a wagon is on what the wagon carries, for as long as it carries it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, cast

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.events.authority import HoldLifted
from contracts.events.fields import is_date
from contracts.events.tracking import Association, Carried, Fact, SubjectChanged
from contracts.events.tracking import Move as Moved
from contracts.identifiers.subjects import kind_of, local
from contracts.milestones.lookup import MILESTONES, MilestoneCode
from services.chassis.base import countries, visibility
from services.chassis.projection.fold import Folded, Inputs, Parked
from services.customs.domain import stored
from services.customs.domain.holds import Hold, holds_of, lifting_nothing
from services.customs.domain.shared import (
    NOT_TOLD_OF,
    NOWHERE,
    Claim,
    Consignment,
    Inside,
    Move,
    SealMark,
    Track,
    Unit,
)
from services.customs.domain.statements import Counted, count, day_of

DELIVERED: Final = "DLVD"
# The return of the empty is no way of the goods.
_OF_THE_EMPTY: Final = frozenset({"MTRT"})
_DECLARANTS: Final = ("shipper", "consignee", "forwarder", "declarant")


def fold_unit(inputs: Inputs, corridor: Corridor) -> Folded:
    """A container or wagon: its movements, seals and place, and the holds on it and on what carries it."""
    picture = _picture(inputs)
    holds, parked = _holds(inputs, picture, corridor)
    shared = Unit(_track(picture, corridor), holds, _claims(picture), picture.journey if picture else 1)
    content = {"holds": stored.write_holds(holds)}
    return Folded(inputs.subject, content, stored.write_unit(shared), parked=parked)


def fold_consignment(inputs: Inputs, corridor: Corridor) -> Folded:
    """A consignment: what is in it, where its units are, who takes part, and the holds on it."""
    picture = _picture(inputs)
    holds, parked = _holds(inputs, picture, corridor)
    declarants = _declarants(inputs.subject, picture)
    shared = Consignment(inputs.subject, declarants=declarants, holds=holds)
    if picture is not None:
        shared = replace(
            shared,
            known=picture.known,
            status=picture.status,
            parties=tuple(sorted(visibility.parties_of(inputs.subject, (p.party for p in picture.parties)))),
            former={f.name: f.until for f in picture.former},
            route=tuple(countries.route_of(picture, corridor)),
            route_variant=picture.route_variant,
            origin=picture.origin,
            destination=picture.destination,
            units=_units(inputs, picture, corridor),
            own=_track(picture, corridor),
        )
    content = {"holds": stored.write_holds(holds)}
    return Folded(inputs.subject, content, stored.write_consignment(shared), parked=parked)


def _units(inputs: Inputs, picture: SubjectChanged, corridor: Corridor) -> dict[str, Inside]:
    """The units of a consignment while they carried it, those that have gone on with other goods included."""
    former = {one.subject: one for one in picture.carried}
    found: dict[str, Inside] = {}
    for name in dict.fromkeys([*(m.subject for m in picture.members), *former]):
        unit, before = stored.unit_of(inputs, name), former.get(name)
        if before is None or (unit and any(c.consignment == inputs.subject for c in unit.claims)):
            found[name] = _carrying(inputs.subject, unit)
        else:
            on_wagons = _of_wagons(inputs, before.wagons)
            found[name] = _carried(before, [*(unit.holds if unit else ()), *on_wagons], corridor)
    return found


def _declarants(consignment: str, picture: SubjectChanged | None) -> tuple[str, ...]:
    """Who may declare the goods: who has issued the booking, and those of its parties that have a say in it."""
    named = picture.parties if picture else []
    issuer = local(consignment).split("/")[0]
    return tuple(sorted({issuer, *(p.party for p in named if p.role in _DECLARANTS)}))


def fold_reference(inputs: Inputs, corridor: Corridor) -> Folded:
    """A document number: the consignment that it stands for, or stood for last."""
    picture = _picture(inputs)
    holder = picture.holder if picture else None
    before = sorted(picture.former, key=lambda f: (f.until, f.name)) if picture else []
    standing = stored.consignment_of(inputs, holder or (before[-1].name if before else ""))
    shared = None
    if standing:
        former = dict(standing.former)
        for one in before:
            former |= _dropped(stored.consignment_of(inputs, one.name) or NOT_TOLD_OF, one.until)
        declarants = standing.declarants if holder else ()
        shared = stored.write_consignment(replace(standing, former=former, declarants=declarants))
    return Folded(inputs.subject, {"claimants": picture.claimants if picture else [], "holder": holder}, shared)


def _dropped(consignment: Consignment, until: datetime) -> dict[str, datetime]:
    """Until when each party of a consignment had a say in a number that it no longer has."""
    earlier = {name: min(end, until) for name, end in consignment.former.items()}
    return dict.fromkeys(consignment.declarants, until) | earlier


def _picture(inputs: Inputs) -> SubjectChanged | None:
    own = inputs.replica
    return cast(SubjectChanged, own.read()) if own and own.type == catalogue.SUBJECT else None


def _track(picture: SubjectChanged | None, corridor: Corridor) -> Track:
    if picture is None:
        return NOWHERE
    moves = tuple(_move(f, corridor) for f in picture.timeline if _moves(f))
    seals, place = _seals(picture.timeline), picture.place
    if place is None:
        return Track(moves, seals)
    seen = max(place.observed_at, picture.last_seen.observed_at) if picture.last_seen else place.observed_at
    return Track(moves, seals, place.point, place.moving, seen)


def _moves(fact: Fact) -> bool:
    return _goes(fact) and not (fact.claim or fact.sighting or fact.out_of_order)


def _goes(fact: Fact | Moved) -> bool:
    """Whether what a fact tells moves goods over borders, or delivers them."""
    row = MILESTONES.get(cast(MilestoneCode, fact.code))
    goes = row is not None and (row.movement is not None or row.code == DELIVERED) and row.code not in _OF_THE_EMPTY
    return goes and fact.point is not None


def _move(fact: Fact | Moved, corridor: Corridor) -> Move:
    point = cast(str, fact.point)
    begins = ends = fact.instant
    if is_date(fact.occurred_at) and (known := corridor.locations.find(point)):
        begins, ends = day_of(fact.occurred_at, known.zone_info)
    via = fact.via if isinstance(fact, Fact) else None
    train = fact.train or (via if via and kind_of(via) == "train" else None)
    return Move(fact.code, point, fact.instant, begins, ends, fact.confidence, train)


def _claims(picture: SubjectChanged | None) -> tuple[Claim, ...]:
    """Which consignments a unit carries or carried on its current journey."""
    listed = [a for a in picture.associations if a.relation == "in_consignment"] if picture else []
    return tuple(Claim(a.subject, a.start, a.end) for a in listed)


@dataclass(frozen=True, slots=True)
class _Carriage:
    """From when until when a unit carried a consignment, as far as its current journey tells.

    `since` is when the goods before were delivered, `start` the booking, `end` the delivery or, when others have
    followed, their booking.
    """

    since: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    gone: bool = False

    def has_move(self, instant: datetime) -> bool:
        return (self.since is None or self.since < instant) and (self.end is None or instant <= self.end)

    def has_hold(self, hold: Hold) -> bool:
        """A hold that was lifted before, or placed behind, is on other goods."""
        before = hold.lifted_at is not None and self.start is not None and hold.lifted_at <= self.start
        return not before and (self.end is None or hold.placed_at <= self.end)


def _carrying(consignment: str, unit: Unit | None) -> Inside:
    """A unit while it carried a consignment."""
    if unit is None:
        return Inside(NOWHERE)
    carriage = _carriage(consignment, unit)
    if carriage is None:
        return Inside(NOWHERE if unit.claims else unit.track, unit.holds)
    holds = tuple(h for h in unit.holds if carriage.has_hold(h))
    if carriage.gone:
        return Inside(NOWHERE, holds, gone=True, lost=True)
    moves = tuple(m for m in unit.track.moves if carriage.has_move(m.instant))
    if moves == unit.track.moves:
        return Inside(unit.track, holds)
    seals = tuple(s for s in unit.track.seals if carriage.has_move(s.instant))
    return Inside(_over(moves, seals), holds)


def _carried(before: Carried, holds: Iterable[Hold], corridor: Corridor) -> Inside:
    """A unit that has gone on with other goods, by what its consignment tells of the journey before."""
    carriage = _Carriage(before.since, before.start, before.end, gone=True)
    moves = tuple(_move(m, corridor) for m in before.moves if _goes(m))
    return Inside(_over(moves, _seals(before.moves)), tuple(h for h in holds if carriage.has_hold(h)), gone=True)


def _over(moves: tuple[Move, ...], seals: tuple[SealMark, ...]) -> Track:
    """The track of goods that have been taken off a unit."""
    last = moves[-1] if moves else None
    return Track(moves, seals, last.point, last_seen=last.instant) if last else NOWHERE


def _carriage(consignment: str, unit: Unit) -> _Carriage | None:
    """The time in which a unit carried a consignment; None while its picture does not tell."""
    mine = [c for c in unit.claims if c.consignment == consignment]
    others = [c for c in unit.claims if c.consignment != consignment]
    if not mine:
        followed = min((c.start for c in others), default=None)
        return _Carriage(end=followed, gone=True) if unit.journey > 1 else None
    start = min(c.start for c in mine)
    ends = [c.end for c in mine if c.end is not None]
    since = max((c.end for c in others if c.end is not None and c.end <= start), default=None)
    return _Carriage(since, start, max(ends) if len(ends) == len(mine) else None)


def _seals(timeline: Iterable[Fact | Moved]) -> tuple[SealMark, ...]:
    said = (f for f in timeline if not (isinstance(f, Fact) and f.claim))
    marks = ((f.instant, seal) for f in said for seal in f.seals)
    return tuple(SealMark(instant, seal.number, seal.removed) for instant, seal in marks)


def _holds(inputs: Inputs, picture: SubjectChanged | None, corridor: Corridor) -> tuple[tuple[Hold, ...], list[Parked]]:
    counted, _ = count(inputs.subject, inputs.revisions, corridor)
    found = [*holds_of(counted), *_of_wagons(inputs, picture.associations if picture else ())]
    own = sorted(found, key=lambda h: (h.placed_at, h.party, h.hold, h.scope))
    return tuple(own), [lifts_nothing(c) for c in lifting_nothing(counted)]


def _of_wagons(inputs: Inputs, associations: Iterable[Association]) -> Iterator[Hold]:
    """The holds on the wagons that carry it, for as long as each does."""
    for one in associations:
        wagon = stored.unit_of(inputs, one.subject) if one.relation == "on_wagon" else None
        for hold in wagon.holds if wagon else ():
            if (while_on := hold.within(one.start, one.end)) is not None:
                yield while_on


def lifts_nothing(one: Counted) -> Parked:
    """A lifting that waits for its hold: one that names another scope than the hold does lifts nothing."""
    hold = cast(HoldLifted, one.data).hold
    return Parked(*one.revision.identity, f"the hold {hold} of {one.revision.party} on {one.revision.subject}")
