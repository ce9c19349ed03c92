"""The pictures that the pure fold draws of a set of reports, without a store: one pass in the direction of reading.

Invariant: what is read of others goes through the form in which it is stored, as in the service.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast

from contracts.corridor.corridor import load_corridor
from contracts.envelope.codec import Event
from contracts.events.base import Revision
from contracts.identifiers.subjects import kind_of
from contracts.refusal import Refused
from deploy.provision import read_parties
from services.chassis.projection.fold import Folded, Inputs, Shared, StoredRevision
from services.tracking.domain.fold import fold
from services.tracking.entitlement import entitled
from services.tracking.links import links_of
from tests.support import builders as b
from tests.support.stores import AS_OF

PARTIES: Final = {party.party: party for party in read_parties()}
_ORDER: Final = ("train", "wagon", "container", "reference", "consignment", "run")


def pictures(events: Sequence[Event], as_of: datetime = AS_OF, at: Mapping[bytes, datetime] | None = None) -> Any:
    """The picture of each subject that the events name; `at` is when the broker took each, by its content."""
    return {subject: json.loads(_text(one.content)) for subject, one in folded(events, as_of, at).items()}


def folded(
    events: Sequence[Event], as_of: datetime = AS_OF, at: Mapping[bytes, datetime] | None = None
) -> dict[str, Folded]:
    """The fold of each subject that the events name."""
    corridor = load_corridor("pk-ru")
    told: dict[tuple[str, str], list[StoredRevision]] = {}
    named: dict[str, dict[tuple[str, str], None]] = {}
    reads: dict[str, set[str]] = {}
    for event in _once(events):
        told.setdefault((event.source, event.id), []).append(revision_of(event, at))
        for subject, read in links_of(event):
            # Of what has named a subject, every revision is read, also those that name it no more.
            named.setdefault(subject, {})[event.source, event.id] = None
            reads.setdefault(subject, set()).update({read} - {""})
    done: dict[str, Folded] = {}
    for subject in sorted(named, key=lambda s: (_ORDER.index(kind_of(s)), s)):
        shared = {other: _shared(done[other], subject) for other in sorted(reads[subject]) if other in done}
        revisions = [revision for identity in named[subject] for revision in told[identity]]
        done[subject] = fold(Inputs(subject, revisions, shared=shared), corridor, as_of)
    return done


def revision_of(event: Event, at: Mapping[bytes, datetime] | None = None) -> StoredRevision:
    """An event as it is stored; without `at` the broker took it long after all that it says."""
    party = event.source.split(":")[2]
    data = cast(Revision, event.data)
    received = (at or {}).get(event.content_hash, b.START + timedelta(days=30))
    place = (event.source, event.id, event.content_hash, event.type, event.subject, party, PARTIES[party].standing)
    return StoredRevision(*place, data.updated_at, data.retracted, event.body, received)


def _once(events: Iterable[Event]) -> list[Event]:
    """What is taken of the events, each revision once."""
    return list({(e.source, e.id, e.content_hash): e for e in events if _is_taken(e)}.values())


def _is_taken(event: Event) -> bool:
    party = PARTIES[event.source.split(":")[2]]
    try:
        party.require(event)
        entitled(event, party)
    except Refused:
        return False
    return True


def _shared(told: Folded, reader: str) -> Shared:
    whole = dict(told.shared)
    part = whole.pop("parts", {}).get(reader)
    return Shared(_text(whole), _text(part) if part is not None else None)


def _text(value: Any) -> str:
    return json.dumps(value, default=_plain, sort_keys=True)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(type(value).__name__)
