"""What readiness believes of lag and queues."""

from __future__ import annotations

import pytest

from services.chassis.service.progress import Backlogs, Progress, Span, read
from tests.support.stores import AS_OF, Store

OUTBOX, LAG = ("outbox", ""), ("lag", "milestones-pr/0")


def looked_at(*looks: Span | None) -> Backlogs:
    """The outbox, looked at once a second, from second 1 on: what was in it each time."""
    backlogs = Backlogs()
    for second, span in enumerate(looks, start=1):
        backlogs.look({} if span is None else {OUTBOX: span}, float(second))
    return backlogs


@pytest.mark.parametrize(
    ("backlogs", "since"),
    [
        (looked_at(None), None),
        (looked_at(Span(5, 9)), 1),
        (looked_at(Span(5, 9), Span(8, 20)), 1),
        (looked_at(Span(5, 9), Span(10, 20)), 2),
        (looked_at(Span(5, 9), None, Span(30, 30)), 3),
        (looked_at(Span(5, 9), Span(5, 40), Span(5, 80)), 1),
        (looked_at(Span(500, 900), Span(5, 9)), 2),
    ],
    ids=["empty", "new", "not through yet", "moves on", "was empty", "stuck", "begins again"],
)
def test_a_queue_is_as_old_as_what_is_first_in_it(backlogs: Backlogs, since: float | None) -> None:
    """Under a steady load a queue is never found empty, and yet nothing waits for long."""
    assert backlogs.since("outbox") == since


def test_the_oldest_of_several_counts_and_each_kind_for_itself() -> None:
    backlogs = Backlogs()
    backlogs.look({LAG: Span(5, 9)}, 1.0)
    backlogs.look({LAG: Span(5, 9), OUTBOX: Span(1, 1)}, 2.0)

    assert (backlogs.since("lag"), backlogs.since("outbox"), backlogs.since("lag", "outbox")) == (1.0, 2.0, 1.0)


@pytest.mark.parametrize(
    ("asked_at", "moves"), [(2.0, True), (61.0, False), (17.0, False)], ids=["busy", "stuck", "old reading"]
)
def test_a_queue_moves_while_nothing_in_it_has_waited_for_a_minute_as_seen_lately(asked_at: float, moves: bool) -> None:
    backlogs = Backlogs()
    backlogs.look({OUTBOX: Span(5, 9)}, 1.0)
    if asked_at > 20:
        backlogs.look({OUTBOX: Span(5, 90)}, 60.0)

    assert backlogs.move(asked_at, "outbox") is moves


def test_what_was_never_read_is_not_called_good() -> None:
    assert not Backlogs().move(0.0, "outbox", "lag")


def test_one_kind_that_is_stuck_does_not_stop_the_others() -> None:
    backlogs = Backlogs()
    for now in (1.0, 61.0):
        backlogs.look({LAG: Span(5, 9)}, now)

    assert (backlogs.move(61.0, "outbox"), backlogs.move(61.0, "lag")) == (True, False)


KINDS = (
    "fold_queue",
    "failing",
    "outbox",
    "outbox_failed",
    "recovery",
    "due",
    "dead_letters",
    "misunderstood",
)


@pytest.mark.parametrize("kind", ["fold_queue", "outbox", "outbox_failed", "recovery", "due"])
def test_a_service_with_anything_to_do_says_what(kind: str) -> None:
    assert Progress(dict.fromkeys(KINDS, 0) | {kind: 3}, [], {}).to_do == {kind: 3}


@pytest.mark.parametrize("kind", ["failing", "dead_letters", "misunderstood"])
def test_what_waits_for_somebody_is_nothing_to_do(kind: str) -> None:
    """What fails is in the queue as well."""
    assert Progress(dict.fromkeys(KINDS, 0) | {kind: 3}, [], {}).to_do == {}


_QUEUE = "INSERT INTO fold_queue (subject, cause, priority, party, attempts) VALUES ($1, 'report', $2, $3, $4)"


@pytest.mark.servers
async def test_what_is_in_the_store_is_read_at_once(store: Store) -> None:
    """A rebuild is counted, and nobody waits for it; of a party's queue only its front has to move."""
    for row in (("t1", 0, "pr", 0), ("t2", 0, "pr", 1), ("t3", 0, "", 0), ("t4", 0, "", 0), ("t5", 1, "", 0)):
        await store.pool.execute(_QUEUE, *row)
    first = await store.pool.fetchval("SELECT min(id) FROM fold_queue")

    found = await read(store.pool, AS_OF)

    assert found.to_do == {"fold_queue": 5}
    assert found.counts["failing"] == 1
    assert found.queues == {
        ("fold_queue", ""): Span(first, first + 3),
        ("share", "pr"): Span(first, first),
        ("share", ""): Span(first + 2, first + 3),
    }
