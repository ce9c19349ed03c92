"""The delivery path as a state machine: its steps in any order, by two copies, with a crash between any two.

Whatever the way, the end is that of a run without any crash: the same pictures, each revision taken once, versions and
feed numbers in order, nothing left over.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, ClassVar, TypeVar

import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from contracts.envelope.codec import Event
from deploy.local.stack import Stack
from services.notifications import audiences
from services.notifications.app import blueprint as notifications_blueprint
from services.tracking.app import blueprint as tracking_blueprint
from tests.faults.check_pictures import said
from tests.support.pipeline import runtime_of
from tests.support.steps import Copy, Crash, Crashes, Dies, Log, put_back, save
from tests.support.stores import Store, empty, fresh_store
from tests.tracking.histories import histories

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

EXAMPLES = int(os.environ.get("PROTOCOL_EXAMPLES", "12"))
STEPS = int(os.environ.get("PROTOCOL_STEPS", "40"))
T = TypeVar("T")
_SETTINGS = settings(
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

crashes = st.sampled_from(["none", "none", "none", "before commit", "after commit"])
services = st.sampled_from(["tracking", "notifications"])
copies = st.sampled_from([0, 1])


class Path(RuleBasedStateMachine):
    """Tracking and notifications, two copies of each, between the same lists of records.

    The second of them folds what it reads in the transaction that stores it.
    """

    loop: ClassVar[asyncio.AbstractEventLoop]
    stores: ClassVar[dict[str, Store]]

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.crashes = Crashes()
        self.sent: list[Event] = []
        self.saved: set[str] = set()
        self.copies = {
            name: [Copy(store, self.log, at_once=at_once) for at_once in (False, True)]
            for name, store in self.stores.items()
        }

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def step(self, copy: Copy, work: Coroutine[Any, Any, int], crash: Crash = "none") -> None:
        """One step of a copy, which may die on the way."""
        self.crashes.next = crash
        try:
            with self.crashes.installed():
                self.run(work)
        except Dies:
            copy.die()
        finally:
            self.crashes.next = "none"

    @initialize()
    def begin(self) -> None:
        self.run(cleared(self.stores))

    @rule(events=histories(1, 4))
    def report(self, events: list[Event]) -> None:
        named = [e._replace(id=f"{len(self.sent)}-{e.id}") for e in events]
        self.sent += named
        for event in named:
            self.log.report(self.stores["tracking"], event)

    @precondition(lambda self: bool(self.sent))
    @rule(choice=st.integers(0, 99))
    def report_again(self, choice: int) -> None:
        """A sender who has had no answer sends the same once more."""
        self.log.report(self.stores["tracking"], self.sent[choice % len(self.sent)])

    @rule(service=services, number=copies, most=st.integers(1, 6), crash=crashes, choice=st.integers(0, 9))
    def read(self, service: str, number: int, most: int, crash: Crash, choice: int) -> None:
        copy = self.copies[service][number]
        topics = [t for t in sorted(self.log.topics) if copy.reads(t)]
        if topics:
            self.step(copy, copy.read(topics[choice % len(topics)], most), crash)

    @rule(service=services, number=copies, crash=crashes)
    def settle(self, service: str, number: int, crash: Crash) -> None:
        copy = self.copies[service][number]
        self.step(copy, copy.settle(), crash)

    @rule(service=services, number=copies, dies_after=st.sampled_from([None, None, 0, 1, 3]))
    def relay(self, service: str, number: int, dies_after: int | None) -> None:
        copy = self.copies[service][number]
        self.step(copy, copy.relay(dies_after))

    @rule(service=services, number=copies, crash=crashes)
    def recover(self, service: str, number: int, crash: Crash) -> None:
        copy = self.copies[service][number]
        self.step(copy, copy.recover(), crash)

    @rule(service=services, number=copies)
    def die(self, service: str, number: int) -> None:
        self.copies[service][number].die()

    @rule(service=services)
    def save(self, service: str) -> None:
        self.run(save(self.stores[service].pool))
        self.saved.add(service)

    @precondition(lambda self: bool(self.saved))
    @rule(service=services)
    def put_back(self, service: str) -> None:
        if service in self.saved:
            self.run(put_back(self.stores[service].pool))

    @rule(number=copies, before=histories(1, 2), after=histories(1, 2))
    def put_back_behind(self, number: int, before: list[Event], after: list[Event]) -> None:
        """A store is put back behind what a copy has just read; the copy has not noticed, and reads on."""
        copy = self.copies["tracking"][number]
        self.save("tracking")
        self.report(before)
        self.run(self.read_all(copy))
        self.put_back("tracking")
        self.report(after)
        self.run(self.read_all(copy))

    @rule(service=services, number=copies)
    def go_on(self, service: str, number: int) -> None:
        """A copy does all that it has to do but to send, so that paths come to where there is much to lose."""
        self.run(self.work(self.copies[service][number]))

    @rule(service=services, number=copies, events=histories(1, 2), told=st.integers(0, 3))
    def die_telling(self, service: str, number: int, events: list[Event], told: int) -> None:
        """A copy dies when it has told a part of what there is to tell."""
        self.report(events)
        self.run(self.work(self.copies["tracking"][number]))
        if service == "notifications":
            self.relay("tracking", number, None)
            self.run(self.work(self.copies[service][number]))
        self.relay(service, number, told)

    async def work(self, copy: Copy) -> None:
        await copy.recover()
        await self.read_all(copy)
        await copy.recover()
        while await copy.settle():
            pass

    async def read_all(self, copy: Copy) -> None:
        for topic in [t for t in sorted(self.log.topics) if copy.reads(t)]:
            await copy.read(topic, 1000)

    def teardown(self) -> None:
        if not self.sent:
            return
        if len(self.sent) % 2:
            # Who starts anew knows only the store; who does not has to notice what happened to it.
            for copy in itertools.chain(*self.copies.values()):
                copy.die()
        self.run(to_the_end(self.copies, self.log))
        found = self.run(pictures(self.stores))
        self.run(self.check())
        assert found == self.run(undisturbed(self.stores, self.sent))

    async def check(self) -> None:
        tracking, notifications = self.stores["tracking"], self.stores["notifications"]
        for store in (tracking, notifications):
            assert await store.rows("fold_queue") == []
            assert await store.rows("outbox") == []
            assert await store.rows("outbox_failed") == []
        taken = [*await of_outcome(tracking, "accepted"), *await of_outcome(tracking, "superseded")]
        accepted = [(r["source"], r["event_id"], r["updated_at"]) for r in taken]
        revisions = [(e["source"], e["event_id"], e["updated_at"]) for e in await tracking.rows("event")]
        assert sorted(accepted) == sorted(revisions)
        refused = {(r["source"], r["event_id"]) for r in await of_outcome(tracking, "refused")}
        assert {(e.source, e.id) for e in self.sent} - refused == {(s, i) for s, i, _ in revisions} - refused
        assert refused <= {(e.source, e.id) for e in self.sent}
        books = {e: entry[0] for p in await tracking.rows("picture") for e, entry in json.loads(p["published"]).items()}
        spoken = grouped(self.log.topics.get("tracking-events", []))
        assert all(rises([version(r) for r in records]) for records in spoken)
        assert {(records[0].key or b"").decode(): max(map(version, records)) for records in spoken} == books
        await check_feeds(notifications, self.log)


async def to_the_end(copies: dict[str, list[Copy]], log: Log) -> None:
    """Everybody works until nothing is left to do."""
    idle = 0
    while idle < 2:
        done = 0
        for copy in itertools.chain(*copies.values()):
            await copy.recheck()
            done += await copy.recover()
            for topic in [t for t in sorted(log.topics) if copy.reads(t)]:
                done += await copy.read(topic, 1000)
            done += await copy.settle() + await copy.relay(None)
        idle = 0 if done else idle + 1


async def check_feeds(store: Store, log: Log) -> None:
    """Each party's numbers are one unbroken chain, all of it was sent, first appearances in order."""
    items = sorted(await store.deliveries(), key=lambda i: (i["party"], i["sequence"]))
    for party, feed in itertools.groupby(items, key=lambda i: i["party"]):
        rows = list(feed)
        for before, after in itertools.pairwise(rows):
            assert after["previous_sequence"] == before["sequence"]
        sent = [json.loads(r.value or b"") for r in log.topics[f"notifications-{party}"]]
        assert rises([item["sequence"] for item in sent])
        assert [(str(row["item"]), row["sequence"]) for row in rows] == list(
            dict.fromkeys((item["item"], item["sequence"]) for item in sent)
        )


def rises(numbers: list[int]) -> bool:
    """Whether first appearances rise; what was seen may come again."""
    first = list(dict.fromkeys(numbers))
    return first == sorted(first)


def version(record: ConsumerRecord[bytes, bytes]) -> int:
    found: int = json.loads(record.value or b"")["version"]
    return found


def grouped(records: list[ConsumerRecord[bytes, bytes]]) -> list[list[ConsumerRecord[bytes, bytes]]]:
    ordered = sorted(records, key=lambda r: r.key or b"")
    return [list(same) for _, same in itertools.groupby(ordered, key=lambda r: r.key)]


async def of_outcome(store: Store, outcome: str) -> list[dict[str, Any]]:
    return [r for r in await store.rows("receipt") if r["outcome"] == outcome]


async def pictures(stores: dict[str, Store]) -> dict[str, Any]:
    return {name: said(name, await store.pictures()) for name, store in stores.items()}


async def cleared(stores: dict[str, Store]) -> None:
    for store in stores.values():
        await empty(store)
    await audiences.refresh(runtime_of(stores["notifications"]))


async def undisturbed(stores: dict[str, Store], events: list[Event]) -> dict[str, Any]:
    """The pictures of one copy of each that reads everything once, in the order in which it was sent."""
    await cleared(stores)
    log = Log()
    for event in events:
        log.report(stores["tracking"], event)
    await to_the_end({name: [Copy(store, log)] for name, store in stores.items()}, log)
    return await pictures(stores)


def play(admin_url: str, examples: int, **chosen: Any) -> None:
    """Plays that many paths on stores of its own; raises what the checks raise."""
    loop, opened = asyncio.new_event_loop(), AsyncExitStack()
    try:
        stores = {
            name: loop.run_until_complete(opened.enter_async_context(fresh_store(admin_url, plan)))
            for name, plan in (("tracking", tracking_blueprint()), ("notifications", notifications_blueprint()))
        }
        machine = type("Path", (Path,), {"loop": loop, "stores": stores})
        run_state_machine_as_test(machine, settings=settings(_SETTINGS, max_examples=examples, **chosen))
    finally:
        loop.run_until_complete(opened.aclose())
        loop.close()


def test_any_interleaving_with_crashes_ends_like_a_run_without(stack: Stack) -> None:
    assert stack.admin_url
    play(stack.admin_url, EXAMPLES)
