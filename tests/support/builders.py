"""Builders with defaults: events as their senders would send them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from aiokafka.structs import ConsumerRecord

from contracts import catalogue
from contracts.catalogue import TYPES
from contracts.envelope import codec
from contracts.envelope.codec import Event
from contracts.identifiers.schemes import make_container, make_wagon_1520

START = datetime(2026, 6, 22, 5, tzinfo=UTC)
RECEIVED_MS = int((START + timedelta(days=30)).timestamp() * 1000)
"""The log-append time of records made here: behind all that they say."""
TRAIN = "train:pr/PK0001/2026-06-22"
RUN = "run:pk-ru/001"
WAGON = "wagon:1520/24548885"
CONTAINER = "container:CSQU3054383"
CONSIGNMENT = "consignment:indus-forwarding/B1"
CASE = f"case:{CONSIGNMENT}/PK/EXPORT/1"

_ids = count(1)


def hours(number: float) -> str:
    """The instant that many hours after the start, as senders write it."""
    return (START + timedelta(hours=number)).isoformat().replace("+00:00", "Z")


def container(serial: int) -> str:
    return f"container:{make_container('PKRU', serial)}"


def wagon(serial: int) -> str:
    return f"wagon:1520/{make_wagon_1520(4, serial)}"


def source_of(party: str) -> str:
    return f"urn:corridor:{party}:ops"


def an_event(type: str, subject: str, data: Mapping[str, Any], *, id: str | None = None, party: str = "pr") -> Event:
    """An event as the codec gives it; `updated_at` is the start unless the data say otherwise."""
    document = codec.structured(
        id=id or f"e{next(_ids)}",
        source=source_of(party),
        type=type,
        subject=subject,
        data={"updated_at": hours(0), **data},
    )
    return codec.decode_structured(document, TYPES)


def a_milestone(
    code: str,
    subject: str = TRAIN,
    at: float = 0,
    point: str | None = "pk-lahore",
    *,
    id: str | None = None,
    party: str = "pr",
    **more: Any,
) -> Event:
    """An ACT milestone that many hours after the start."""
    data = {"code": code, "classifier": "ACT", "occurred_at": hours(at), **({"point": point} if point else {}), **more}
    return an_event(catalogue.MILESTONE, subject, data, id=id, party=party)


def a_consist(
    wagons: Mapping[str, Sequence[str]] | None = None,
    train: str = TRAIN,
    at: float = 0,
    point: str = "pk-lahore",
    *,
    id: str | None = None,
    party: str = "pr",
    wagons_listed: Sequence[Mapping[str, Any]] | None = None,
    **more: Any,
) -> Event:
    """A consist of wagons with their containers, or as `wagons_listed` says."""
    listed = {WAGON: [CONTAINER]} if wagons is None else wagons
    data = {
        "occurred_at": hours(at),
        "point": point,
        "wagons": wagons_listed
        or [
            {"wagon": w, "position": n, "containers": list(carried)}
            for n, (w, carried) in enumerate(listed.items(), start=1)
        ],
        **more,
    }
    return an_event(catalogue.COMPOSED, train, data, id=id, party=party)


def a_booking(
    containers: Sequence[str] = (CONTAINER,),
    consignment: str = CONSIGNMENT,
    at: float = -48,
    *,
    id: str | None = None,
    party: str = "indus-forwarding",
    **more: Any,
) -> Event:
    """A confirmed booking from Lahore to Astrakhan by R1."""
    data = {
        "occurred_at": hours(at),
        "containers": list(containers),
        "origin": "pk-lahore",
        "destination": "ru-astrakhan",
        "route_variant": "R1",
        **more,
    }
    return an_event(catalogue.BOOKED, consignment, data, id=id, party=party)


def a_plan(subject: str = TRAIN, *, id: str | None = None, party: str = "pr", **more: Any) -> Event:
    """A plan of one call in Lahore."""
    data = {"calls": [{"point": "pk-lahore", "departure": hours(0)}], **more}
    return an_event(catalogue.PLANNED, subject, data, id=id, party=party)


def a_declaration(
    about: str = CONSIGNMENT, at: float = -40, *, id: str | None = None, party: str = "indus-forwarding", **more: Any
) -> Event:
    """An export declaration in Pakistan."""
    data = {"occurred_at": hours(at), "jurisdiction": "PK", "procedure": "EXPORT", **more}
    return an_event(catalogue.LODGED, about, data, id=id, party=party)


def a_decision(
    decision: str, case: str = CASE, at: float = -30, *, id: str | None = None, party: str = "fbr", **more: Any
) -> Event:
    """A decision made in our own form."""
    data = {"occurred_at": hours(at), "decision": decision, "officer": "A1", **more}
    return an_event(catalogue.DECISION, case, data, id=id, party=party)


def a_hold(
    scope: str = CONTAINER, at: float = -35, *, hold: str = "H1", id: str | None = None, party: str = "fbr"
) -> Event:
    """A hold placed by customs."""
    data = {"occurred_at": hours(at), "hold": hold, "reason": "RANDOM", "officer": "A1"}
    return an_event(catalogue.HOLD_PLACED, scope, data, id=id, party=party)


def a_lift(
    scope: str = CONTAINER, at: float = -33, *, hold: str = "H1", id: str | None = None, party: str = "fbr"
) -> Event:
    """A hold lifted by its authority."""
    return an_event(catalogue.HOLD_LIFTED, scope, {"occurred_at": hours(at), "hold": hold}, id=id, party=party)


def a_record(
    topic: str,
    offset: int,
    headers: Sequence[tuple[str, bytes | None]] = (),
    value: bytes | None = b"{}",
    key: bytes | None = b"k",
    partition: int = 0,
) -> ConsumerRecord[bytes, bytes]:
    """A Kafka record as the client hands it over."""
    return ConsumerRecord(
        topic,
        partition,
        offset,
        RECEIVED_MS,
        1,
        key,
        value,
        None,
        len(key or b""),
        len(value or b""),
        tuple(headers),  # type: ignore[arg-type]
    )


def record_of(event: Event, topic: str, offset: int, partition: int = 0) -> ConsumerRecord[bytes, bytes]:
    """The record that carries an event in binary mode."""
    headers = codec.encode(
        id=event.id, source=event.source, type=event.type, subject=event.subject, traceparent=event.traceparent
    )
    return a_record(topic, offset, headers, event.body, event.subject.encode(), partition)
