"""The HTTP endpoint for reports: it validates them and produces them to the caller's own topic.

Invariant: a report is answered 202 only after the broker has acknowledged it. A batch with a bad event produces
nothing. 503 means that the outcome is unknown, and that the same id may be sent again.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from fastapi import Request

from contracts.catalogue import EventType
from contracts.envelope import codec
from contracts.envelope.canonical import parse_json
from contracts.envelope.codec import Event
from contracts.refusal import Problem, Refused, refused
from contracts.topics import MAX_INCOMING, Topic
from services.chassis.base.checks import require_known, require_past
from services.chassis.base.parties import Party
from services.chassis.http.callers import caller_of
from services.chassis.http.edge import content_type_of
from services.chassis.http.problems import ProblemError

MAX_BATCH = 500

Entitled = Callable[[Event, Party], None]


class ReportEndpoint:
    """Validates reports and produces them to the topic of the caller."""

    def __init__(
        self,
        streams: Sequence[tuple[Topic, Entitled]],
        producer: Callable[[], AIOKafkaProducer],
        now: Callable[[], datetime],
        seconds: float,
    ) -> None:
        self._streams = streams
        self._now = now
        self._producer = producer
        self._seconds = seconds
        self._accepts: Mapping[str, EventType] = {n: t for topic, _ in streams for n, t in topic.events.items()}

    async def post(self, request: Request, party: Party) -> list[Event]:
        """Produces the events of a request and returns them; raises `Refused`, `ProblemError` or `OverBudget`."""
        events = await self._decode(request)
        caller_of(request).meter.reports(len(events))
        await self._produce([(self._place(event, party, path), event) for event, path in events])
        return [event for event, _ in events]

    async def _decode(self, request: Request) -> list[tuple[Event, str]]:
        content_type, body = content_type_of(request.headers), await request.body()
        if content_type == codec.BATCH:
            return self._batch(body)
        if content_type == codec.STRUCTURED:
            return [(codec.decode_structured(parse_json(body), self._accepts), "$")]
        if content_type == codec.JSON:
            attributes = codec.http_attributes(request.headers.items())
            return [(codec.decode_http(attributes, body, self._accepts), "$")]
        kinds = f"send {codec.JSON} with ce- headers, {codec.STRUCTURED} or {codec.BATCH}"
        raise ProblemError(415, kinds, [Problem("bad_header", "$.datacontenttype", kinds)])

    def _batch(self, body: bytes) -> list[tuple[Event, str]]:
        documents = parse_json(body)
        if not isinstance(documents, list) or not 1 <= len(documents) <= MAX_BATCH:
            raise refused("bad_envelope", "$", f"a batch is an array of 1 to {MAX_BATCH} events")
        events: list[tuple[Event, str]] = []
        problems: list[Problem] = []
        for index, document in enumerate(documents):
            try:
                event = codec.decode_structured(document, self._accepts)
                if len(event.body) > MAX_INCOMING:
                    raise refused("too_large", "$.data", f"the limit is {MAX_INCOMING} bytes")
                events.append((event, f"$[{index}]"))
            except Refused as refusal:
                problems += [_inside(p, f"$[{index}]") for p in refusal.problems]
        if problems:
            raise Refused(*problems)
        return events

    def _place(self, event: Event, party: Party, path: str) -> str:
        topic, entitled = next((t, e) for t, e in self._streams if event.type in t.events)
        try:
            party.require(event)
            entitled(event, party)
            require_known(event)
            require_past(event, self._now())
        except Refused as refusal:
            raise Refused(*(_inside(p, path) for p in refusal.problems)) from refusal
        return topic.of(party.party)

    async def _produce(self, records: Sequence[tuple[str, Event]]) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                sent = [await self._send(topic, event) for topic, event in records]
                await asyncio.gather(*sent)
        except (TimeoutError, KafkaError, OSError) as failure:
            raise ProblemError(503, "the broker has not acknowledged; sending the same id again is safe") from failure

    async def _send(self, topic: str, event: Event) -> "asyncio.Future[Any]":
        headers = codec.encode(
            id=event.id,
            source=event.source,
            type=event.type,
            subject=event.subject,
            traceparent=event.traceparent,
        )
        sent: asyncio.Future[Any] = await self._producer().send(
            topic, event.body, key=event.subject.encode(), headers=headers
        )
        return sent


def _inside(problem: Problem, path: str) -> Problem:
    return Problem(problem.reason, path + problem.path.removeprefix("$"), problem.detail)
