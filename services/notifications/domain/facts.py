"""The facts of an entity: what can be told, with the parties that may be told.

Invariant: a fact keeps its id through corrections; its content is what a party sees, so that a change of anything
else tells nobody anything.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, cast

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.events.base import Data
from contracts.events.customs import ArrivalAnnounced, CaseChanged, ViolationChanged
from contracts.events.fields import moment, utc_text
from contracts.events.tracking import ExceptionChanged, Fact, Statement, SubjectChanged
from contracts.identifiers.subjects import kind_of, parse_case
from services.chassis.base import visibility
from services.chassis.base.visibility import Audience, Claim, Way
from services.notifications.domain import ways
from services.notifications.domain.shared import SharedWay


@dataclass(frozen=True, slots=True)
class Told:
    """One fact with what is told of it, and to whom; `viewers` may see it without being told."""

    fact: str
    content: Mapping[str, Any]
    parties: frozenset[str]
    viewers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Context:
    """What facts are read in: the entity, what it reads, who there is, and where."""

    entity: str
    shared: Mapping[str, SharedWay]
    audience: Audience
    corridor: Corridor

    def country(self, point: str | None) -> str | None:
        found = self.corridor.resolve(point) if point else None
        return found.country if found else None

    def way(self, subject: str) -> Way:
        """The way of a subject that this entity is about; of one that nobody has told of, nobody takes part in it."""
        known = self.shared.get(subject)
        return known.way if known else Way(subject)

    def instant(self, one: Statement) -> datetime | None:
        """When something is said to have occurred."""
        if one.occurred_at is None:
            return None
        point = self.corridor.resolve(one.point) if one.point else None
        return moment(one.occurred_at, point.zone_info if point else UTC)


def journey_of(fact: str) -> int:
    """The journey that a fact of a picture is of, which its id names behind the subject."""
    return int(fact.split("|", 2)[1])


def of_subject(data: SubjectChanged, context: Context) -> Iterator[Told]:
    """The milestones of a picture. Who moves trains gets what it inherits once, from the train itself."""
    if not data.known:
        return
    way = ways.way_of(data, context.shared, context.corridor)
    own = data.subject if kind_of(data.subject) == "consignment" else None
    known: dict[tuple[tuple[Claim, ...], str | None], _Circle] = {}
    for fact in data.timeline:
        country, claims = context.country(fact.point), tuple(way.claimed(fact.instant))
        circle = known.get((claims, country))
        if circle is None:
            circle = known[claims, country] = _circle(way, claims, country, fact.instant, context)
        parties = circle.cargo_and_movers if fact.via is None else circle.cargo
        named = claims[0].consignment if claims else own
        reported_by = context.audience.reporter(fact.party, fact.reported_for, fact.via, circle.parties)
        content = _milestone(data.subject, named, fact, country, reported_by)
        yield Told(fact.fact_id, content, parties, circle.movers)


class _Circle(NamedTuple):
    """Who is concerned by the facts of one country while the same consignments are carried."""

    parties: frozenset[str]
    cargo: frozenset[str]
    movers: frozenset[str]
    cargo_and_movers: frozenset[str]


def _circle(way: Way, claims: Sequence[Claim], country: str | None, instant: datetime, context: Context) -> _Circle:
    parties = way.parties.union(*(claim.parties for claim in claims))
    cargo = context.audience.of(visibility.locks_of("party", parties))
    movers = context.audience.of(way.moved(instant, country))
    return _Circle(parties, cargo, movers, cargo | movers)


def of_exception(data: ExceptionChanged, context: Context) -> Iterator[Told]:
    """An exception that has opened or closed."""
    way = context.way(data.subject)
    cargo, told = who_knows(data.statements, data.opened_at, way, context)
    content = {
        "topic": "exception",
        "subject": data.subject,
        "code": data.rule,
        "instant": utc_text(data.opened_at),
        "state": data.state,
        "severity": data.severity,
        "about": data.about,
        "detail": _what_is_double(data),
        "sayings": [_saying(s, cargo, context) for s in data.statements] or None,
    }
    yield Told(context.entity, _filled(content), told)


def _what_is_double(data: ExceptionChanged) -> str | None:
    """What a mismatch of identity is about: `on_wagon`, or the box that another consignment claims as well."""
    return data.leg if data.rule == "IDENTITY_MISMATCH" else None


def who_knows(
    said: Iterable[Statement], opened_at: datetime, way: Way, context: Context
) -> tuple[frozenset[str], frozenset[str]]:
    """The parties of the cargo that may know of an exception, and all who may: for the cargo, every value of it."""
    statements = list(said)
    instants = [i for s in statements if (i := context.instant(s)) is not None] or [opened_at]
    cargo, locks = way.trouble(instants, [context.country(s.point) for s in statements])
    return cargo, context.audience.of(locks)


def _saying(one: Statement, cargo: frozenset[str], context: Context) -> dict[str, Any]:
    """What a report says that disagrees with another, and who is named for it."""
    shown = {
        "reported_by": context.audience.reporter(one.party, one.reported_for, one.via, cargo),
        "code": one.code,
        "point": one.point,
        "occurred_at": one.occurred_at,
        "counts": one.counts or None,
    }
    return _filled(shown)


def of_case(data: CaseChanged, context: Context) -> Iterator[Told]:
    """The state of a case: each step for those involved, the last one for everybody else on the route."""
    law = visibility.authority(data.jurisdiction)
    if data.form == "public":
        countries = context.corridor.countries(data.jurisdiction)
        route = {*context.way(data.consignment or data.about).route, *countries}
        ruling = context.audience.of(law)
        told = context.audience.of(visibility.carriers_of(route)) - ruling
        viewers = context.audience.of(visibility.planned(route)) - ruling
        yield Told(context.entity, _case(data, data.state, data.since), told, viewers)
    elif data.form == "involved":
        yield from _of_involved(data, context.audience.of(law | visibility.locks_of("party", data.parties)))


def _of_involved(data: CaseChanged, parties: frozenset[str]) -> Iterator[Told]:
    for step in data.steps:
        name = visibility.nameless(step.source, step.event_id)
        yield Told(f"{data.case}|{name}", _case(data, step.state, step.instant), parties)
    nth: Counter[str] = Counter()
    for hold in data.holds:
        # A hold is known by its authority and name; it may be placed on several units, and again.
        key = f"{data.case}|hold|{hold.party}|{hold.hold}|{hold.scope}"
        nth[key] += 1
        state = "hold_placed" if hold.lifted_at is None else "hold_lifted"
        content = _case(data, state, hold.lifted_at or hold.placed_at) | {"subject": hold.scope, "detail": hold.hold}
        yield Told(key if nth[key] == 1 else f"{key}|{nth[key]}", content, parties)


def of_violation(data: ViolationChanged, context: Context) -> Iterator[Told]:
    """A violation that was raised or withdrawn: for the parties of the goods, whatever the unit carries today."""
    about = about_of(data)
    way = context.way(about or data.subject)
    instant = None if about else data.instant
    content = {
        "topic": "violation",
        "subject": data.subject,
        "code": data.rule,
        "point": data.point,
        "instant": utc_text(data.instant),
        "state": data.state,
        "confidence": data.rests_on,
        "detail": data.detail,
    }
    locks = way.whole(instant, context.country(data.point)) | visibility.locks_of("party", way.cargo(instant))
    yield Told(context.entity, _filled(content), context.audience.of(locks))


def about_of(data: ViolationChanged) -> str | None:
    """The consignment that a violation is about, where its case names one."""
    about = parse_case(data.case).about if data.case else ""
    return about if about.startswith("consignment:") else None


def of_arrival(data: ArrivalAnnounced, context: Context) -> Iterator[Told]:
    """What is coming to a country; an estimate that moves within the hour is no news."""
    content = {
        "topic": "arrival",
        "subject": data.consignment,
        "consignment": data.consignment,
        "point": data.entry_point,
        "country": data.country,
        "state": data.state,
        "instant": utc_text(data.arrived_at) if data.arrived_at else _to_the_hour(data.expected_from),
        "detail": "declared" if data.filed else "not declared",
    }
    yield Told(context.entity, _filled(content), context.audience.of(visibility.country_of(data.country)))


def _milestone(
    subject: str, consignment: str | None, fact: Fact, country: str | None, reported_by: str | None
) -> dict[str, Any]:
    return _filled(
        {
            "topic": "milestone",
            "subject": subject,
            "consignment": consignment,
            "code": fact.code,
            "point": fact.point,
            "country": country,
            "occurred_at": fact.occurred_at,
            "instant": utc_text(fact.instant),
            "reported_by": reported_by,
            "confidence": fact.confidence,
            "via": fact.via,
            "disputed": fact.disputed or None,
            "claim": fact.claim or None,
            "sighting": fact.sighting or None,
            "out_of_order": fact.out_of_order or None,
        }
    )


def _case(data: CaseChanged, state: str, instant: datetime | None) -> dict[str, Any]:
    return _filled(
        {
            "topic": "customs",
            "subject": data.case,
            "consignment": data.consignment,
            "code": f"{data.jurisdiction} {data.procedure}",
            "state": state,
            "instant": utc_text(instant) if instant else None,
        }
    )


def _to_the_hour(instant: datetime | None) -> str | None:
    return utc_text(instant.replace(minute=0, second=0, microsecond=0)) if instant else None


def _filled(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value is not None}


READERS: Final = cast(
    dict[str, Callable[[Data, Context], Iterator[Told]]],
    {
        catalogue.SUBJECT: of_subject,
        catalogue.EXCEPTION: of_exception,
        catalogue.CASE: of_case,
        catalogue.VIOLATION: of_violation,
        catalogue.ARRIVAL: of_arrival,
    },
)
