"""The facts of an entity: what can be told, with the parties that may be told.

Invariant: a fact keeps its id through corrections; its content is what a party sees, so that a change of anything
else tells nobody anything.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from contracts import catalogue
from contracts.corridor import Corridor
from contracts.events.base import Data
from contracts.events.customs import ArrivalAnnounced, CaseChanged, ViolationChanged
from contracts.events.tracking import ExceptionChanged, Fact, Statement, SubjectChanged
from contracts.fields import utc_text
from contracts.subjects import kind_of, local, parse_case
from services.notifications.domain.audience import Audience, Claim, cargo, claims_of


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
    shared: Mapping[str, Any]
    audience: Audience
    corridor: Corridor

    def country(self, point: str | None) -> str | None:
        found = self.corridor.resolve(point) if point else None
        return found.country if found else None

    def cargo_of(self, subject: str, instant: datetime | None) -> frozenset[str]:
        """The cargo parties of a subject that this entity is about, at an instant."""
        about = self.shared.get(subject) or {}
        if "parties" in about:
            return frozenset(about["parties"])
        claims = [
            Claim(
                c["consignment"],
                frozenset(c["parties"]),
                datetime.fromisoformat(c["start"]),
                _instant(c["end"]),
                _instant(c["clash"]),
            )
            for c in about.get("claims", ())
        ]
        return cargo(claims, instant)


def journey_of(fact: str) -> int:
    """The journey that a fact of a picture is of, which its id names behind the subject."""
    return int(fact.split("|", 2)[1])


def parties_of(picture: SubjectChanged) -> list[str]:
    """The parties of a consignment: those of its booking, and who issued it."""
    issuer = local(picture.subject).split("/")[0]
    return sorted({issuer, *(p.party for p in picture.parties)})


def of_subject(data: SubjectChanged, context: Context) -> Iterator[Told]:
    """The milestones of a picture. Who moves trains gets what it inherits once, from the train itself."""
    if not data.known:
        return
    consignment = kind_of(data.subject) == "consignment"
    own = frozenset(parties_of(data)) if consignment else frozenset[str]()
    claims = claims_of(data, data.subject, context.shared)
    for fact in data.timeline:
        country = context.country(fact.point)
        carriers = context.audience.carriage(country)
        parties = context.audience.known(own | cargo(claims, fact.instant))
        parties |= carriers if fact.via is None else frozenset()
        named = next((c.consignment for c in claims if c.covers(fact.instant)), data.subject if consignment else None)
        content = _milestone(data.subject, named, fact, country, reporter(fact, carriers))
        yield Told(fact.fact_id, content, parties, carriers)


def reporter(fact: Fact | Statement, carriers: frozenset[str]) -> str | None:
    """Who is named as having reported a fact.

    What happens to a train reaches the owners of all that is on it. Who told of it without moving it, such as the
    forwarder of somebody else's goods, is none of their concern: the railway that it spoke for is named.
    """
    return fact.party if fact.via is None or fact.party in carriers else fact.reported_for


def of_exception(data: ExceptionChanged, context: Context) -> Iterator[Told]:
    """An exception that has opened or closed."""
    content = {
        "topic": "exception",
        "subject": data.subject,
        "code": data.rule,
        "instant": utc_text(data.opened_at),
        "state": data.state,
        "severity": data.severity,
        "about": data.about,
        "sayings": [_saying(s, context) for s in data.statements] or None,
    }
    parties = context.audience.carriage(None) | context.audience.known(context.cargo_of(data.subject, data.opened_at))
    yield Told(context.entity, _filled(content), parties)


def _saying(one: Statement, context: Context) -> dict[str, Any]:
    """What a report says that disagrees with another, and who is named for it."""
    carriers = context.audience.carriage(context.country(one.point))
    shown = {
        "reported_by": reporter(one, carriers),
        "code": one.code,
        "point": one.point,
        "occurred_at": one.occurred_at,
        "counts": one.counts or None,
    }
    return _filled(shown)


def of_case(data: CaseChanged, context: Context) -> Iterator[Told]:
    """The state of a case: each step for those involved, the last one for everybody else."""
    authority = context.audience.authority(data.jurisdiction)
    if data.form == "public":
        others = context.audience.carriage(None, data.jurisdiction) - authority
        yield Told(context.entity, _case(data, data.state, data.since), others)
    elif data.form == "involved":
        parties = authority | context.audience.known(context.cargo_of(data.consignment or "", None))
        yield from _of_involved(data, parties)


def _of_involved(data: CaseChanged, parties: frozenset[str]) -> Iterator[Told]:
    for step in data.steps:
        yield Told(f"{data.case}|{step.source}|{step.event_id}", _case(data, step.state, step.instant), parties)
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
    cargo_parties = context.cargo_of(about, None) if about else context.cargo_of(data.subject, data.instant)
    yield Told(
        context.entity, _filled(content), context.audience.carriage(None) | context.audience.known(cargo_parties)
    )


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
    yield Told(context.entity, _filled(content), context.audience.country(data.country))


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


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


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
