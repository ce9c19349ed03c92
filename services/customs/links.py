"""One function for each event that customs consumes: which subjects it names, and what they read because of it.

Invariant: reading goes one way: wagon, container, consignment, reference, case, passage. A passage is a consignment's
way over the borders: announcements and violations.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Final, cast

from contracts import catalogue
from contracts.corridor.corridor import Corridor, load_corridor
from contracts.envelope.codec import Event
from contracts.events.authority import DecisionIssued
from contracts.events.base import Data
from contracts.events.declarant import DeclarationCancelled, DeclarationLodged
from contracts.events.tracking import ExceptionChanged, SubjectChanged
from contracts.identifiers.subjects import Case, kind_of, parse_case
from services.chassis.ingest.records import Link
from services.customs.domain.ways import laws_on, planned, ways_between

PASSAGE: Final = "passage:"


def on_declaration(subject: str, data: DeclarationLodged | DeclarationCancelled) -> Iterator[Link]:
    """A declaration opens or changes its case, which reads what it is about."""
    yield from _case(data.case(subject).key, subject)


def on_decision(subject: str, data: DecisionIssued) -> Iterator[Link]:
    """A decision is on its case, also before any declaration is there."""
    yield from _case(subject, parse_case(subject).about)


def on_hold(subject: str, data: Data) -> Iterator[Link]:
    """A hold is on what it stops: a case, a consignment or a unit."""
    if kind_of(subject) == "case":
        yield from _case(subject, parse_case(subject).about)
    else:
        yield subject, ""


def on_subject_changed(subject: str, data: SubjectChanged) -> Iterator[Link]:
    """A picture of tracking's: units, consignments with what they hold and whose law they pass, references."""
    kind = kind_of(subject)
    if kind not in ("container", "wagon", "consignment", "reference"):
        return
    yield subject, ""
    for association in data.associations:
        if association.relation == "on_wagon":
            # A hold on the wagon is on what it carries.
            yield subject, association.subject
        elif association.relation == "in_consignment" and kind == "container":
            yield association.subject, subject
    if kind == "consignment":
        yield from _consignment(subject, data)
    elif kind == "reference":
        for consignment in {*data.claimants, *(f.name for f in data.former)}:
            yield subject, consignment


def _consignment(subject: str, data: SubjectChanged) -> Iterator[Link]:
    for member in data.members:
        yield subject, member.subject
        yield member.subject, ""
    for one in data.carried:
        yield subject, one.subject
        # A hold on a wagon was on what it carried then.
        yield from ((subject, wagon.subject) for wagon in one.wagons)
    passage = PASSAGE + subject
    yield passage, subject
    former = (f.name for f in data.former if kind_of(f.name) == "reference")
    names = [subject, *(r.key for r in data.references), *former]
    corridor = _corridor(data)
    if corridor is None:
        return
    ways = ways_between(data.origin, data.destination, data.route_variant, corridor)
    for law, procedure in sorted({law for way in ways for law in laws_on(way, corridor)}):
        for about in names:
            yield passage, Case(about, law, procedure).key
    for regime in planned(ways[0], corridor) if ways else ():
        yield Case(subject, regime.jurisdiction, regime.procedure).key, subject


def _corridor(data: SubjectChanged) -> Corridor | None:
    """The corridor data of a picture, or the newest that we have; None for a corridor that is none of ours."""
    for version in (data.corridor_version, None):
        with contextlib.suppress(LookupError):
            return load_corridor(data.corridor, version)
    return None


def _case(case: str, about: str) -> Iterator[Link]:
    yield case, ""
    yield case, about
    if kind_of(about) == "consignment":
        yield PASSAGE + about, case


def on_exception_changed(subject: str, data: ExceptionChanged) -> Iterator[Link]:
    """An exception of tracking's is not our concern."""
    return iter(())


_LINKS: Final = cast(
    dict[str, Callable[[str, Data], Iterator[Link]]],
    {
        catalogue.LODGED: on_declaration,
        catalogue.CANCELLED: on_declaration,
        catalogue.DECISION: on_decision,
        catalogue.HOLD_PLACED: on_hold,
        catalogue.HOLD_LIFTED: on_hold,
        catalogue.SUBJECT: on_subject_changed,
        catalogue.EXCEPTION: on_exception_changed,
    },
)


def links_of(event: Event) -> Iterator[Link]:
    """The links of an event, by its type."""
    return _LINKS[event.type](event.subject, event.data)
