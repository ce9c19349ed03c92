"""Customs' pure folds over what is given, without a store: pictures of tracking, declarations, decisions, holds.

Everything is folded once, whoever is read before who reads. What a store adds is tested elsewhere: order, repetition,
memory, publication.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import orjson

from contracts import catalogue
from contracts.envelope.codec import Event
from contracts.events.base import Revision
from contracts.identifiers.subjects import kind_of
from deploy.provision import read_parties
from services.chassis.projection.fold import Folded, Inputs, Replica, Shared, StoredRevision
from services.customs.domain.fold import fold
from services.customs.links import PASSAGE, links_of
from tests.customs.journeys import CORRIDOR, Journey, Paper
from tests.support import builders as b

_READ_FIRST = ("wagon", "container", "consignment", "reference", "case", "passage")
PARTY = {"PK": "fbr", "IR": "irica", "TM": "tmcustoms", "KZ": "kgd", "RU": "fcs"}


@cache
def _standings() -> Mapping[str, str]:
    return {party.party: party.standing for party in read_parties()}


def a_picture(subject: str, at: datetime, **more: Any) -> Event:
    """A picture of tracking's, with what is given."""
    base = {
        "subject": subject,
        "kind": kind_of(subject),
        "version": 1,
        "recorded_at": at.isoformat().replace("+00:00", "Z"),
        "as_of": at.isoformat().replace("+00:00", "Z"),
        "fold": 1,
        "corridor": CORRIDOR.id,
        "corridor_version": CORRIDOR.version,
        "known": True,
        "status": "in_transit",
    }
    return b.an_event(catalogue.SUBJECT, subject, base | more, party="tracking", id=subject)


def a_fact(code: str, point: str, at: str, instant: str, number: int = 0, **more: Any) -> dict[str, Any]:
    """A fact of a timeline."""
    base = {
        "fact_id": f"{code}|{point}|{number}",
        "code": code,
        "point": point,
        "occurred_at": at,
        "instant": instant,
        "party": "pr",
        "confidence": "observed",
        "source": "urn:corridor:pr:ops",
        "event_id": f"{number}",
        "updated_at": b.hours(0),
    }
    return base | more


def fold_all(events: Iterable[Event], as_of: datetime, refused: Mapping[str, Any] | None = None) -> dict[str, Folded]:
    """What customs makes of events and pictures, by subject."""
    revisions: dict[str, dict[tuple[str, str, bytes], StoredRevision]] = defaultdict(dict)
    replicas: dict[str, Replica] = {}
    reads: dict[str, set[str]] = defaultdict(set)
    for event in events:
        for subject, other in links_of(event):
            reads[subject] |= {other} - {""}
            if event.type == catalogue.SUBJECT:
                replicas[event.subject] = Replica(event.type, 1, event.body)
            else:
                stored = _stored(event)
                revisions[subject][stored.source, stored.event_id, stored.content_hash] = stored
    found: dict[str, Folded] = {}
    for subject in sorted(reads, key=lambda s: (_READ_FIRST.index(s.split(":")[0]), s)):
        shared = {o: Shared(orjson.dumps(found[o].shared).decode()) for o in reads[subject] if _shares(found, o)}
        memory = (refused or {}).get(subject)
        found[subject] = fold(
            Inputs(subject, list(revisions[subject].values()), replicas.get(subject), shared, memory), CORRIDOR, as_of
        )
    return found


def _shares(found: Mapping[str, Folded], subject: str) -> bool:
    return subject in found and found[subject].shared is not None


def _stored(event: Event) -> StoredRevision:
    party = event.source.split(":")[2]
    data = event.data
    assert isinstance(data, Revision)
    return StoredRevision(
        event.source,
        event.id,
        event.content_hash,
        event.type,
        event.subject,
        party,
        _standings()[party],
        data.updated_at,
        data.retracted,
        event.body,
        b.START,
    )


def events_of(journey: Journey, consignment: str = b.CONSIGNMENT) -> list[Event]:
    """A journey as customs is told of it."""
    members = [{"subject": unit, "status": "in_transit"} for unit in journey.reports]
    ends = {"origin": journey.origin, "destination": journey.destination, "route_variant": journey.variant}
    units = [_unit_picture(unit, journey) for unit in journey.reports]
    papers = [_paper(n, paper, consignment) for n, paper in enumerate(journey.papers)]
    return [a_picture(consignment, journey.as_of, members=members, **ends), *units, *papers]


def _unit_picture(unit: str, journey: Journey) -> Event:
    timeline = [
        a_fact(r.code, r.point, r.at, r.instant.isoformat().replace("+00:00", "Z"), n, claim=r.claim)
        for n, r in enumerate(journey.reports[unit])
    ]
    claim = {"relation": "in_consignment", "subject": b.CONSIGNMENT, "start": b.hours(-300)}
    return a_picture(unit, journey.as_of, timeline=timeline, associations=[claim])


def _paper(number: int, paper: Paper, consignment: str) -> Event:
    if paper.act == "lodge":
        law: dict[str, Any] = {"jurisdiction": paper.law, "procedure": paper.procedure, "occurred_at": paper.at}
        return b.a_declaration(consignment, id=f"d{number}", **law)
    case = f"case:{consignment}/{paper.law}/{paper.procedure}/1"
    named: dict[str, Any] = {"containers": list(paper.units)} if paper.units else {}
    # The names run against the order, which must not matter.
    event_id = f"p{999 - number}"
    return b.a_decision(paper.act, case, id=event_id, party=PARTY[paper.country], occurred_at=paper.at, **named)


def passage_of(found: Mapping[str, Folded], consignment: str = b.CONSIGNMENT) -> Any:
    """What a passage shows, as JSON."""
    folded = found.get(PASSAGE + consignment)
    return json.loads(json.dumps(folded.content)) if folded else {"announcements": [], "violations": []}


def raised(found: Mapping[str, Folded]) -> set[tuple[str, str, str]]:
    """(rule, place, unit) of the violations of a passage."""
    listed: Sequence[Any] = passage_of(found)["violations"]
    return {(v["rule"], v["violation"].split("/")[1], v["subject"]) for v in listed}
