"""A running service: its loops, in the order in which they start and stop.

Invariant: a start waits for a server that is away, with one log line. A stop lets the current batch commit, and has a
time limit even while broker or database are away. A name in use, a database that refuses us or is of a later build,
and another Kafka cluster than the store's end the process with exit code 2.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer

from services.chassis.base import session_lock
from services.chassis.base.clock import CorridorClock
from services.chassis.base.clock_steps import load_steps
from services.chassis.base.database import Pool, is_asked_over_http, open_pool
from services.chassis.base.errors import NameTaken, OtherCluster, SettingsError, is_transient
from services.chassis.base.migrate import CHASSIS, Migration, MigrationError, migrate_store, read_migrations
from services.chassis.base.pace import repeat
from services.chassis.base.parties import PartyBook
from services.chassis.base.restore_detection import RestoreDetector
from services.chassis.base.session_lock import NameLock
from services.chassis.base.settings import ServiceSettings
from services.chassis.ingest.consumer import Ingest
from services.chassis.ingest.subscriber import Subscribers
from services.chassis.kafka import clients, cluster
from services.chassis.kafka.admin import TopicIds
from services.chassis.kafka.cluster import Cluster
from services.chassis.outbox.relay import Relay
from services.chassis.projection.settle import Settle
from services.chassis.recovery.recovery import Reads, Recovery
from services.chassis.service import loops, progress, purge, sources
from services.chassis.service.blueprint import Blueprint
from services.chassis.service.progress import Monitor
from services.chassis.service.purge import Purge
from services.chassis.service.sources import Sources

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 1.0
_HTTP_STATEMENT_SECONDS = 10


class Runtime:
    """One copy of a service."""

    def __init__(self, blueprint: Blueprint, settings: ServiceSettings) -> None:
        self.blueprint = blueprint
        self.settings = settings
        self.clock = CorridorClock(stepped=settings.clock == "stepped")
        self.book = PartyBook(min(settings.metadata_age_seconds, 5.0))
        self.mark = RestoreDetector()
        self.pool: Pool | None = None
        self.http_pool: Pool | None = None
        self.producer: AIOKafkaProducer | None = None
        self.settle: Settle | None = None
        self.relay: Relay | None = None
        self.ingests: list[Ingest] = []
        self.ready = asyncio.Event()
        self.monitor = Monitor(blueprint.name)
        self.cluster = Cluster(blueprint.name, clients.admin_config(settings))
        self.sources = Sources(blueprint.name, blueprint.streams, clients.admin_config(settings))
        self.failure: BaseException | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self.is_stopping: Callable[[], bool] = lambda: False
        self.next_commit = asyncio.Event()
        self._stack = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task[Any]] = []

    @property
    def store(self) -> Pool:
        """The pool for the current task; raises `OSError` before the database has been reached.

        HTTP requests share a small pool of their own, so that a flood of them leaves the loops their connections.
        """
        pool = self.http_pool if is_asked_over_http() and self.http_pool is not None else self.pool
        if pool is None:
            raise OSError("the database has not been reached yet")
        return pool

    @property
    def door_producer(self) -> AIOKafkaProducer:
        """The producer of HTTP reports; raises `OSError` before the broker has been reached."""
        if self.producer is None:
            raise OSError("the broker has not been reached yet")
        return self.producer

    def stored(self, queued: bool = True) -> None:
        """Signals that facts have been stored, and whether subjects of theirs wait to be folded."""
        if queued and self.settle is not None:
            self.settle.wake()
        self.committed()

    def committed(self) -> None:
        """Signals a commit, which may have written outbox rows."""
        if self.relay is not None:
            self.relay.wake()
        self.sent()

    def sent(self) -> None:
        """Signals a commit or an acknowledged send to open streams."""
        # A waiter gets the event before it reads the store, so it misses no commit between its read and its wait.
        done, self.next_commit = self.next_commit, asyncio.Event()
        done.set()

    def start(self) -> None:
        """Starts in the background; `ready` is set at the end."""
        self._spawn(self._start())

    async def stop(self) -> None:
        """Stops in the opposite order; safe before or during a start, and twice."""
        for ingest in self.ingests:
            ingest.stopping.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self._stack.aclose()

    async def _start(self) -> None:
        name = self.blueprint.name
        pool = await self._open_store()
        self._make_loops()
        await self._retry("broker", lambda: self.cluster.require(self.store))
        self._repeat(lambda: self.cluster.require(pool), cluster.EVERY_SECONDS)
        self.producer = await self._retry("broker", self._start_producer)
        await self._start_recovery()
        producer = partial(clients.patient_producer, self.settings)
        self.relay = Relay(name, self.settings.database_url, pool, producer, self.mark, self.sent)
        self._spawn(self.relay.run())
        if self.blueprint.prepare is not None:
            prepare = self.blueprint.prepare
            await self._retry("database", lambda: prepare(self))
        await self._start_settle()
        await self._start_ingest()
        self._start_the_rest(pool)
        self.ready.set()
        log.info("started", service=name, copy=self.settings.copy_name)

    async def _open_store(self) -> Pool:
        """Migrates the store, takes this copy's name, and opens the pools."""
        url, name = self.settings.database_url, self.blueprint.name
        files = read_migrations([CHASSIS, self.blueprint.migrations])
        await self._retry("database", lambda: self._migrate(files))
        lock = NameLock(name, self.settings.copy_name, url, self.settings.name_wait_seconds, files[-1].version)
        self._stack.push_async_callback(lock.release)
        await lock.acquire()
        self._repeat(lock.keep, session_lock.CHECK_SECONDS)
        pool: Pool = await self._retry("database", lambda: open_pool(url, name, on_connection=self.mark.meet))
        self._stack.callback(pool.terminate)
        # HTTP may use the store as soon as `self.pool` is set, so the clock comes first.
        await self._set_clock(pool)
        self.pool = pool
        size = self.settings.http_database_connections
        self.http_pool = await self._retry(
            "database", lambda: open_pool(url, f"{name}-http", size, _HTTP_STATEMENT_SECONDS)
        )
        self._stack.callback(self.http_pool.terminate)
        return pool

    def _start_the_rest(self, pool: Pool) -> None:
        """Starts the monitor, the watch on sources, the purge, and the service's own loops."""
        name, plan = self.blueprint.name, self.blueprint
        old = Purge(name, plan.purges, dict[str, int](self.settings.keep_days.items()), pool, self.clock)
        self._repeat(partial(self._look, pool), progress.EVERY_SECONDS, "progress cannot be read")
        self._repeat(self.sources.look, sources.EVERY_SECONDS, "sources cannot be watched")
        self._repeat(old.purge, purge.EVERY_SECONDS, "a purge failed")
        for loop in plan.loops:
            self._spawn(loop(self))

    async def _look(self, pool: Pool) -> None:
        await self.monitor.look(pool, self.clock.now(), self.ingests)

    async def _start_settle(self) -> None:
        assert self.settle is not None
        await self._retry("database", self.settle.start)
        for _ in range(self.settings.settle_workers):
            self._spawn(self.settle.run())
        self._spawn(self.settle.run_timers())
        self._spawn(self.settle.run_republication())

    async def _start_recovery(self) -> None:
        """Compares the store with our topics before anything is published, and goes on checking it."""
        reads = Reads([stream.topic for stream in self.blueprint.streams], self._holds_back)
        recovery = Recovery(
            self.blueprint.name,
            self.blueprint.published,
            reads,
            self.store,
            self.mark,
            self.stored,
            self.settings,
            self.door_producer,
        )
        await self._retry("broker", recovery.check)
        self._spawn(recovery.run())

    def _holds_back(self, topic: str) -> bool:
        return any(ingest.quarantine.holds_back(topic) for ingest in self.ingests if ingest.stream.reads(topic))

    def _make_loops(self) -> None:
        plan, settings = self.blueprint, self.settings
        subjects, limit = settings.settle_subjects, settings.quarantine_limit
        self.settle = loops.new_settle(plan, self.store, self.clock, subjects, self.committed, self.mark)
        fold = self.settle.fold_or_queue
        self.ingests = loops.new_ingests(plan, self.store, self.clock, self.book, self.stored, limit, fold)

    async def _start_ingest(self) -> None:
        broker = clients.new_broker(self.settings)
        topic_ids = TopicIds(clients.admin_config(self.settings))

        async def own_topic_ids(topics: Iterable[str]) -> dict[str, str]:
            await self.cluster.require(self.store)
            return await topic_ids(topics)

        subscribers = Subscribers(self.ingests, self.settings)
        broker.include_router(self.blueprint.routes(subscribers))
        subscribers.bind(broker, own_topic_ids)
        self._stack.push_async_callback(clients.stop_broker, broker)
        await self._retry("broker", lambda: clients.start_broker(broker))
        for ingest in self.ingests:
            self._spawn(ingest.watch_store())

    async def _start_producer(self) -> AIOKafkaProducer:
        producer = clients.new_producer(self.settings, patient=False)
        await clients.start_producer(producer)
        self._stack.push_async_callback(clients.stop_client, producer)
        return producer

    async def _migrate(self, files: Sequence[Migration]) -> None:
        try:
            done = await migrate_store(self.settings.database_url, f"{self.blueprint.name}-migrate", files)
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as failure:
            raise SettingsError(f"{self.blueprint.name.upper()}_DATABASE_URL is wrong: {failure}") from failure
        except MigrationError as failure:
            raise SettingsError(str(failure)) from failure
        if done.waiting:
            log.info("migrations wait for `migrate --post`", service=self.blueprint.name, versions=done.waiting)

    async def _set_clock(self, pool: Pool) -> None:
        if self.clock.stepped:
            self.clock.resume(await self._retry("database", lambda: load_steps(pool)))

    async def _retry(self, what: str, action: Callable[[], Awaitable[Any]]) -> Any:
        said = False
        while True:
            try:
                return await action()
            except Exception as failure:
                if not is_transient(failure):
                    raise
                log.log(logging.DEBUG if said else logging.WARNING, "waiting", what=what, failure=repr(failure))
                said = True
            await asyncio.sleep(_RETRY_SECONDS)

    def _repeat(self, action: Callable[[], Awaitable[Any]], seconds: float, trouble: str | None = None) -> None:
        """Spawns a repeated action; without `trouble`, a failure that is not transient ends the service."""
        self._spawn(repeat(action, seconds, trouble))

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        if task.cancelled() or task.exception() is None:
            return
        self.failure = self.failure or task.exception()
        if not isinstance(self.failure, NameTaken | OtherCluster | SettingsError):
            log.critical("the service ends", exc_info=self.failure)
        self.on_failure()
