"""The third loop: outbox rows to Kafka.

Invariant: rows of a key are sent in order of id by one relay at a time, and deleted only after the broker has
acknowledged them. A living relay never gives a send up: it waits for the broker. What can never be sent is
moved aside with an alarm, and the others go on.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence, Set
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from contracts.codec import encode
from services.chassis import telemetry
from services.chassis.clock import machinery_now, version_after
from services.chassis.database import OwnConnection, Pool, connect
from services.chassis.errors import passes, weight
from services.chassis.mark import StoreMark
from services.chassis.outbox import SHARDS
from services.chassis.pace import Pace

log = structlog.get_logger(__name__)

PAGE = 1000
_LOCK_SPACE = 0x0C02
_POLL_SECONDS = 0.25
_HOLD_SECONDS = 1.0
_PACE_SECONDS = 0.01
_RETRY_SECONDS = 0.5
_NEVER = (
    MessageSizeTooLargeError,
    RecordTooLargeError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

_TRY_LOCK = "SELECT s FROM unnest($2::int[]) s WHERE pg_try_advisory_lock($1, s)"
# A store that was put back gives the same ids again, to rows that have not been sent; not by the same transactions.
_PAGE = "SELECT *, xmin::text AS written_by FROM outbox WHERE shard = ANY($1::smallint[]) ORDER BY id LIMIT $2"
_DELETE = """
DELETE FROM outbox AS o USING unnest($1::bigint[], $2::text[], $3::text[]) AS u (id, ce_id, written_by)
WHERE o.id = u.id AND o.ce_id = u.ce_id AND o.xmin::text = u.written_by
"""
_SET_ASIDE = f"""
WITH gone AS ({_DELETE} RETURNING o.*)
INSERT INTO outbox_failed SELECT gone.*, f.failure, $5
FROM gone JOIN unnest($1::bigint[], $4::text[]) AS f (id, failure) USING (id)
"""


class Relay:
    """Sends the shards whose advisory locks it holds."""

    def __init__(
        self,
        service: str,
        url: str,
        pool: Pool,
        producer: AIOKafkaProducer,
        mark: StoreMark,
        on_sent: Callable[[], None] = lambda: None,
        on_reconnect: Callable[[], None] = lambda: None,
    ) -> None:
        self.service = service
        self._mark = mark
        self._on_sent = on_sent
        self._on_reconnect = on_reconnect
        self._connected = False
        self.source = f"urn:corridor:{service}"
        self._url = url
        self._pool = pool
        self._producer = producer
        self._wake = asyncio.Event()
        self.held: set[int] = set()
        self._known: Set[str] = frozenset()
        self._pace = Pace(_PACE_SECONDS)

    def wake(self) -> None:
        """Says that rows have been committed."""
        self._wake.set()

    async def run(self) -> None:
        """Runs until cancelled; holds its locks on a connection of its own, which dies with it."""
        while True:
            connection = None
            try:
                connection = await connect(self._url, f"{self.service}-relay")
                if self._connected:
                    self._on_reconnect()
                self._connected = True
                await self._lead(connection)
            except Exception as failure:
                if not passes(failure):
                    log.exception("relay failed")
                else:
                    log.log(weight(failure), "relay waits", failure=repr(failure))
                await asyncio.sleep(_RETRY_SECONDS)
            finally:
                self.held.clear()
                if connection is not None:
                    connection.terminate()

    async def _lead(self, connection: OwnConnection) -> None:
        while True:
            await self._hold(connection)
            ends = time.monotonic() + _HOLD_SECONDS
            while time.monotonic() < ends:
                await self._pace.keep()
                self._wake.clear()
                if not self.held or await self.send_page() < PAGE:
                    # Another copy's commits wake nobody here: they are looked for.
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), _POLL_SECONDS)

    async def _hold(self, connection: OwnConnection) -> None:
        """Takes shards that are free; a lock lives as long as its connection, which has to answer."""
        missing = [s for s in range(SHARDS) if s not in self.held]
        rows = await connection.fetch(_TRY_LOCK, _LOCK_SPACE, missing)
        self.held.update(row["s"] for row in rows)

    async def send_page(self) -> int:
        """Sends one page and deletes what was acknowledged; returns how many rows it read."""
        since = version_after(0)
        rows = await self._pool.fetch(_PAGE, sorted(self.held), PAGE)
        if not rows:
            return 0
        with telemetry.ROUND.labels(self.service, "relay").time():
            failures = await self._send(rows)
            await self._delete([r for r in rows if r["id"] not in failures], since)
            if failures:
                await self._set_aside([r for r in rows if r["id"] in failures], failures)
        telemetry.SENT.labels(self.service).inc(len(rows) - len(failures))
        self._on_sent()
        return len(rows)

    async def _delete(self, sent: Sequence[asyncpg.Record], since: int) -> None:
        gone = await self._pool.execute(_DELETE, *_named(sent))
        if gone != f"DELETE {len(sent)}":
            # Another relay has taken over, or the store was put back while this was under way.
            log.warning("what was sent is not in the store any more", service=self.service)
            await self._mark.look(self._pool, since)

    async def _send(self, rows: Sequence[asyncpg.Record]) -> dict[int, BaseException]:
        """Queues all rows in order, then awaits all acknowledgements; returns those that can never be sent."""
        waiting: dict[int, asyncio.Future[Any]] = {}
        failures: dict[int, BaseException] = {}
        for row in rows:
            try:
                waiting[row["id"]] = await self._enqueue(row)
            except _NEVER as failure:
                failures[row["id"]] = failure
        results = await asyncio.gather(*waiting.values(), return_exceptions=True)
        for (row_id, _), result in zip(waiting.items(), results, strict=True):
            if isinstance(result, _NEVER):
                failures[row_id] = result
            elif isinstance(result, BaseException):
                raise result
        return failures

    async def _enqueue(self, row: asyncpg.Record) -> "asyncio.Future[Any]":
        headers = encode(
            id=row["ce_id"],
            source=self.source,
            type=row["ce_type"],
            subject=row["ce_subject"],
            traceparent=row["traceparent"],
        )
        while True:
            await self._require_topic(row["topic"])
            try:
                future: asyncio.Future[Any] = await self._producer.send(
                    row["topic"], row["body"], key=row["key"].encode(), headers=headers
                )
                return future
            except KafkaTimeoutError:
                # The buffer was full or the metadata were not to be had: nothing of this row has been queued.
                log.warning("relay waits for the broker", topic=row["topic"])
            except UnknownTopicOrPartitionError:
                # The client says so as well when it could not look a topic up in time: the broker is to be asked.
                self._known = frozenset()
                await asyncio.sleep(_RETRY_SECONDS)
            except KafkaError as failure:
                if isinstance(failure, _NEVER) or not failure.retriable:
                    raise
                await asyncio.sleep(_RETRY_SECONDS)

    async def _require_topic(self, topic: str) -> None:
        """Raises `UnknownTopicOrPartitionError` when a broker that answers has no such topic.

        The client itself would look for it until its time is up, and hold up what comes behind.
        """
        while topic not in self._known:
            try:
                found: Any = await self._producer.client.fetch_all_metadata()
            except KafkaError as failure:
                log.warning("relay waits for the broker", failure=repr(failure))
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self._known = found.topics()
            if topic not in self._known:
                raise UnknownTopicOrPartitionError(topic)

    async def _set_aside(self, rows: Sequence[asyncpg.Record], failures: dict[int, BaseException]) -> None:
        for row in rows:
            telemetry.SEND_FAILED.labels(self.service).inc()
            log.error("a record can never be sent", outbox_id=row["id"], failure=repr(failures[row["id"]]))
        said = [repr(failures[r["id"]]) for r in rows]
        await self._pool.execute(_SET_ASIDE, *_named(rows), said, machinery_now())


def _named(rows: Sequence[asyncpg.Record]) -> Iterator[list[Any]]:
    """The columns by which rows are known, also across a store put back."""
    return ([row[name] for row in rows] for name in ("id", "ce_id", "written_by"))
