"""The two stages: a running system, to which reports go by Kafka, and the stores of its services without a broker.

Invariant: both hand over the same bytes, and are read through the same HTTP API.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

import httpx

from contracts import topics
from contracts.envelope.codec import encode
from deploy.settled import Watch
from tests.support.builders import a_record
from tests.support.doors import Doors, opened
from tests.support.pipeline import Line
from tests.support.stores import AS_OF
from tests.support.system import System
from tests.trials.trial import Report

_MINUTE: Final = timedelta(minutes=1)
_WITHIN: Final = 60.0


def topic_of(report: Report) -> str:
    """The topic of a report's sender."""
    return next(row.of(report.party) for row in topics.TABLE if row.ingress and report.type in row.types)


def bytes_of(report: Report) -> tuple[list[tuple[str, bytes]], bytes]:
    """A report as a record in binary mode: headers and value."""
    headers = encode(id=report.id, source=report.source, type=report.type, subject=report.subject)
    return headers, json.dumps(report.data).encode()


@dataclass
class SystemStage:
    """A running system on a stepped clock."""

    system: System
    watch: Watch
    http: httpx.AsyncClient
    now: datetime = AS_OF

    async def send(self, reports: Sequence[Report]) -> None:
        for report in reports:
            await self.watch.step(self.now, _WITHIN)
            headers, body = bytes_of(report)
            sent = await self.system.producer.send(topic_of(report), body, key=report.subject.encode(), headers=headers)
            await sent
            self.now += _MINUTE
        await self.watch.settled(_WITHIN)

    async def ask(self, service: str, path: str, party: str) -> Any:
        answer = await self.http.get(self.system.services.url(service) + path, headers=self.system.headers(party))
        return answer.raise_for_status().json() if answer.status_code != httpx.codes.NOT_FOUND else None


@asynccontextmanager
async def on_system(system: System) -> AsyncIterator[SystemStage]:
    """A stage on a system that has just been started."""
    token = system.tokens["operations"]
    async with (
        Watch(system.services.endpoints, system.stack.access, token) as watch,
        httpx.AsyncClient(trust_env=False, timeout=20) as http,
    ):
        yield SystemStage(system, watch, http)


@dataclass
class LineStage:
    """The stores of the three services; records are handed from one to the next."""

    line: Line
    doors: Doors
    offsets: dict[str, itertools.count[int]] = field(default_factory=dict)

    async def send(self, reports: Sequence[Report]) -> None:
        line = self.line
        for report in reports:
            for store in (line.tracking, line.customs, line.notifications):
                store.clock.step(store.clock.now() + _MINUTE)
            topic = topic_of(report)
            headers, body = bytes_of(report)
            offset = next(self.offsets.setdefault(topic, itertools.count()))
            record = a_record(topic, offset, headers, body, report.subject.encode())
            reader = line.tracking if topic.startswith("milestones-") else line.customs
            await reader.take([replace(record, timestamp=time.time_ns() // 1_000_000)])
        await line.pass_on()

    async def ask(self, service: str, path: str, party: str) -> Any:
        place, _, query = path.partition("?")
        answer = await self.doors.ask(service, place, party, **dict(parse_qsl(query)))
        return answer.raise_for_status().json() if answer.status_code != httpx.codes.NOT_FOUND else None


@asynccontextmanager
async def on_line(line: Line) -> AsyncIterator[LineStage]:
    """A stage on stores that are empty."""
    async with opened(line) as doors:
        yield LineStage(line, doors)
