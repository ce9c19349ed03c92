"""Waiting until settled, on a real broker and services that only say what they are told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.stack import Stack
from deploy.services import Endpoint
from deploy.settled import NotSettled, Watch, wait_settled
from services.chassis.base.access import KafkaAccess

pytestmark = pytest.mark.servers

TOPIC = "settled-test"
INSTANT = datetime(2026, 6, 22, tzinfo=UTC)


class Pretender:
    """A copy of a service that answers what it is told to."""

    def __init__(self, service: str) -> None:
        self.state: dict[str, Any] = {
            "service": service,
            "clock": "2026-01-01T00:00:00Z",
            "reads": [f"^{TOPIC}$"],
            "positions": [],
            "to_do": {},
        }
        self.asked = 0
        pretender = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pretender.asked += 1
                self._answer(pretender.state)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                pretender.state["clock"] = body["instant"]
                self._answer(body)

            def _answer(self, document: Any) -> None:
                body = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = Endpoint(service, f"{service}-1", f"http://127.0.0.1:{self.server.server_port}")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def at(self, *offsets: int) -> None:
        """Says that it has read this far."""
        self.state["positions"] = [
            {"topic": TOPIC, "partition": number, "next_offset": offset} for number, offset in enumerate(offsets)
        ]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
async def bootstrap(stack: Stack) -> KafkaAccess:
    """A broker with a topic of two partitions that hold two records and one."""
    admin = AIOKafkaAdminClient(**stack.access.options())
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, 2, 1)])
    await admin.close()
    producer = AIOKafkaProducer(**stack.access.options())
    await producer.start()
    for partition in (0, 0, 1):
        await producer.send_and_wait(TOPIC, b"x", partition=partition)
    await producer.stop()
    return stack.access


@pytest.fixture
def service() -> Iterator[Pretender]:
    pretender = Pretender("tracking")
    yield pretender
    pretender.stop()


async def test_it_returns_when_everything_is_read_and_done(bootstrap: KafkaAccess, service: Pretender) -> None:
    service.at(2, 1)

    await wait_settled([service.endpoint], bootstrap, "token", 10)

    assert service.asked >= 2


@pytest.mark.parametrize("offsets", [(), (2,), (2, 0), (1, 1)])
async def test_a_record_that_was_not_read_is_waited_for(
    bootstrap: KafkaAccess, service: Pretender, offsets: tuple[int, ...]
) -> None:
    service.at(*offsets)

    with pytest.raises(NotSettled, match=rf"tracking is at \d of \d of {TOPIC}"):
        await wait_settled([service.endpoint], bootstrap, "token", 0.5)


async def test_work_in_a_queue_is_waited_for(bootstrap: KafkaAccess, service: Pretender) -> None:
    service.at(2, 1)
    service.state["to_do"] = {"outbox": 3}

    with pytest.raises(NotSettled, match="tracking has 3 outbox"):
        await wait_settled([service.endpoint], bootstrap, "token", 0.5)


async def test_a_service_that_is_away_is_waited_for(bootstrap: KafkaAccess, service: Pretender) -> None:
    service.at(2, 1)
    away = Pretender("customs")
    away.stop()

    with pytest.raises(NotSettled, match="customs does not answer"):
        await wait_settled([service.endpoint, away.endpoint], bootstrap, "token", 0.5)


async def test_another_copy_speaks_for_one_that_is_away(bootstrap: KafkaAccess, service: Pretender) -> None:
    service.at(2, 1)
    away = Pretender("tracking")
    away.stop()

    await wait_settled([service.endpoint, away.endpoint], bootstrap, "token", 10)


async def test_a_clock_that_is_behind_is_set_again(bootstrap: KafkaAccess, service: Pretender) -> None:
    service.at(2, 1)
    async with Watch([service.endpoint], bootstrap, "token") as watch:
        await watch.settled(10, INSTANT)

    assert service.state["clock"] == "2026-06-22T00:00:00Z"


async def test_a_step_that_nobody_takes_ends_with_a_message(bootstrap: KafkaAccess) -> None:
    away = Pretender("tracking")
    away.stop()
    begun = time.monotonic()
    async with Watch([away.endpoint], bootstrap, "token") as watch:
        with pytest.raises(NotSettled, match="no copy of tracking took the clock"):
            await watch.step(INSTANT, 0.5)

    assert time.monotonic() - begun < 10
