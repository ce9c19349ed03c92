"""The third loop: it sends outbox rows to Kafka.

Invariant: one relay at a time sends the rows of a key, in order of id, and deletes them only after the broker has
acknowledged them. A relay never gives up: it waits for the broker, and replaces a failed producer. A row that can
never be sent moves to `outbox_failed` with an alarm, and the others go on.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer

from services.chassis.base import telemetry
from services.chassis.base.clock import machinery_now, version_after
from services.chassis.base.database import OwnConnection, Pool, connect
from services.chassis.base.errors import is_transient, log_level
from services.chassis.base.pace import Pace, until
from services.chassis.base.restore_detection import RestoreDetector
from services.chassis.outbox.outgoing import SHARDS
from services.chassis.outbox.sender import RETRY_SECONDS, Sender

log = structlog.get_logger(__name__)

PAGE = 1000
_LOCK_SPACE = 0x0C02
_POLL_SECONDS = 0.5
_HOLD_SECONDS = 1.0
_ANSWER_SECONDS = 10.0
_PACE_SECONDS = 0.01

_TRY_LOCK = "SELECT s FROM unnest($2::int[]) s WHERE pg_try_advisory_lock($1, s)"
# Changes when the server restarts or the table is created anew; by it a relay sees that its store may be restored.
_PLACE = "(extract(epoch FROM pg_postmaster_start_time()) || ' ' || pg_relation_filepath('store_mark'))"
# A restored store gives the same ids again, to rows that have not been sent. Their transactions (xmin) differ.
_PAGE = f"""
SELECT *, xmin::text AS written_by, (SELECT {_PLACE}) AS place FROM outbox
WHERE shard = ANY($1::smallint[]) ORDER BY id LIMIT $2
"""
_NAMED = """
unnest($1::bigint[], $2::text[], $3::text[]) AS u (id, ce_id, written_by)
WHERE o.id = ANY($1) AND o.id = u.id AND o.ce_id = u.ce_id AND o.xmin::text = u.written_by
"""
_DELETE = f"DELETE FROM outbox AS o USING {_NAMED}"
# The commit need not be on the disk: rows that a crash brings back are sent again, as after a crash before it.
_DELETE_LAZILY = f"""
WITH lazy AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
DELETE FROM outbox AS o USING lazy, {_NAMED}
"""
_HERE = f"SELECT {_PLACE}"
_COUNT = f"SELECT count(*) FROM outbox AS o, {_NAMED}"
_SET_ASIDE = f"""
WITH gone AS ({_DELETE} RETURNING o.*)
INSERT INTO outbox_failed (id, shard, topic, key, ce_id, ce_type, ce_subject, traceparent, body, party, addresses,
                           number, failure, failed_at)
SELECT id, shard, topic, key, ce_id, ce_type, ce_subject, traceparent, body, party, addresses, number, f.failure, $5
FROM gone JOIN unnest($1::bigint[], $4::text[]) AS f (id, failure) USING (id)
"""


class Relay:
    """Sends the shards whose advisory locks it holds.

    `open_producer` starts a producer and stops it; it raises `KafkaError` or `TimeoutError` while there is no broker.
    """

    def __init__(
        self,
        service: str,
        url: str,
        pool: Pool,
        open_producer: Callable[[], AbstractAsyncContextManager[AIOKafkaProducer]],
        mark: RestoreDetector,
        on_sent: Callable[[], None] = lambda: None,
    ) -> None:
        self.service = service
        self._mark = mark
        self._on_sent = on_sent
        self._url = url
        self._pool = pool
        self._open_producer = open_producer
        self._wake = asyncio.Event()
        self.held: set[int] = set()
        # Rows handed to Kafka without a known end, and the microsecond at which that began.
        self._unanswered: tuple[Sequence[asyncpg.Record], int] | None = None
        self._pace = Pace(_PACE_SECONDS)

    def wake(self) -> None:
        """Signals that rows have been committed."""
        self._wake.set()

    async def run(self) -> None:
        """Runs until cancelled; its locks live on a connection of their own, and end with it.

        Each attempt has its own producer. A batch that the client has expired leaves a gap in the producer's sequence
        numbers, and the broker refuses all records after a gap. A relay that loses its locks drops the producer with
        its unsent records, which are still in the outbox.
        """
        while True:
            connection = None
            try:
                connection = await connect(self._url, f"{self.service}-relay")
                await self._check_unanswered()
                async with self._open_producer() as producer:
                    await self._lead(connection, Sender(self.service, producer))
            except Exception as failure:
                if not is_transient(failure):
                    log.exception("relay failed")
                else:
                    log.log(log_level(failure), "relay waits", failure=repr(failure))
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                self.held.clear()
                if connection is not None:
                    connection.terminate()

    async def _lead(self, connection: OwnConnection, sender: Sender) -> None:
        tasks = [asyncio.create_task(work) for work in (self._keep(connection), self._send(sender))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, connection: OwnConnection) -> None:
        """Keeps the locks; raises when their connection is lost or does not answer, also during a send."""
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _: gone.set())
        while True:
            await self._hold(connection)
            await until(gone, _HOLD_SECONDS)

    async def _hold(self, connection: OwnConnection) -> None:
        """Takes the locks of free shards; each lives as long as the connection."""
        missing = [s for s in range(SHARDS) if s not in self.held]
        rows = await connection.fetch(_TRY_LOCK, _LOCK_SPACE, missing, timeout=_ANSWER_SECONDS)
        if rows:
            self.held.update(row["s"] for row in rows)
            self._wake.set()

    async def _send(self, sender: Sender) -> None:
        while True:
            await self._pace.keep()
            self._wake.clear()
            if not self.held or await self.send_page(sender) < PAGE:
                # The commits of other copies do not wake this relay, so it polls.
                await until(self._wake, _POLL_SECONDS)

    async def send_page(self, sender: Sender) -> int:
        """Sends one page and deletes the acknowledged rows; returns how many rows it read.

        Raises the failure that kept other rows from being acknowledged.
        """
        since = version_after(0)
        rows = await self._pool.fetch(_PAGE, sorted(self.held), PAGE)
        if not rows:
            return 0
        with telemetry.ROUND.labels(self.service, "relay").time():
            self._unanswered = rows, since
            sent = await sender.send(rows)
            await self._delete([r for r in rows if r["id"] in sent.acknowledged], since)
            left = [r for r in rows if r["id"] not in sent.acknowledged]
            self._unanswered = (left, since) if left and sent.failure else None
            if sent.refused:
                await self._set_aside([r for r in rows if r["id"] in sent.refused], sent.refused)
        telemetry.SENT.labels(self.service).inc(len(sent.acknowledged))
        self._on_sent()
        if sent.failure is not None:
            raise sent.failure
        return len(rows)

    async def _delete(self, sent: Sequence[asyncpg.Record], since: int) -> None:
        gone = await self._pool.execute(_DELETE_LAZILY, *_named(sent))
        if gone != f"DELETE {len(sent)}":
            await self._on_missing(sent, since)

    async def _check_unanswered(self) -> None:
        """Starts a recovery if unanswered rows of the last attempt, which may be in Kafka, have left the store."""
        if self._unanswered is not None:
            rows, since = self._unanswered
            if await self._pool.fetchval(_COUNT, *_named(rows)) < len(rows):
                await self._on_missing(rows, since)
            self._unanswered = None

    async def _on_missing(self, rows: Sequence[asyncpg.Record], since: int) -> None:
        """Starts a recovery if the store has moved; if it has not, another relay has sent and deleted the rows."""
        moved = await self._pool.fetchval(_HERE) != rows[0]["place"]
        log.warning("sent rows are missing from the store", service=self.service, moved=moved)
        if moved:
            await self._mark.check(self._pool, since)

    async def _set_aside(self, rows: Sequence[asyncpg.Record], failures: Mapping[int, BaseException]) -> None:
        for row in rows:
            telemetry.SEND_FAILED.labels(self.service).inc()
            log.error("a record can never be sent", outbox_id=row["id"], failure=repr(failures[row["id"]]))
        said = [repr(failures[r["id"]]) for r in rows]
        await self._pool.execute(_SET_ASIDE, *_named(rows), said, machinery_now())


def _named(rows: Sequence[asyncpg.Record]) -> Iterator[list[Any]]:
    """The columns that identify rows, also in a restored store: id, ce_id, writing transaction."""
    return ([row[name] for row in rows] for name in ("id", "ce_id", "written_by"))
