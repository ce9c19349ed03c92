"""A page is as large as was asked for, whatever plan the server has kept.

A statement that was prepared while its table was empty keeps the plan that was best for that, which looks up the rows
of a page once for each row of the table where it may.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from deploy.local.stack import Stack
from services.chassis.base.database import OwnConnection
from services.chassis.queue import fold_queue
from services.chassis.service import purge
from services.chassis.service.purge import Rule
from services.tracking.store import PURGE_HISTORY
from tests.support.stores import AS_OF, connected_as_service, fresh_database

pytestmark = pytest.mark.servers

ROWS, PAGE = 300, 10
RULES = {rule.table: rule for rule in purge.RULES}
_UNSETTLED = "INSERT INTO fold_queue (subject, cause) SELECT 's' || n, 'news' FROM generate_series(1, $1::int) n"
_LATER = "INSERT INTO fold_queue (subject, cause, not_before) VALUES ('s1', 'later', $1)"
_PICTURES = """
INSERT INTO picture (subject, due, sent_at) SELECT 's' || n, $2::timestamptz, $2 FROM generate_series(1, $1::int) n
"""
_RECEIPTS = """
INSERT INTO receipt (party, outcome, recorded_at) SELECT 'pr', 'accepted', $2 FROM generate_series(1, $1::int)
"""
_SPENT = """
INSERT INTO spent_on (party, day, subject, reports)
SELECT 'pr', ($2 AT TIME ZONE 'UTC')::date, 's' || n, 1 FROM generate_series(1, $1::int) n
"""
_HISTORY = """
INSERT INTO history (subject, recorded_from, kind, version, status, exceptions)
SELECT 's', $2::timestamptz - n * interval '1 s', 'train', n, 's', 0 FROM generate_series(0, $1::int) n
"""


@pytest.fixture
async def connection(stack: Stack) -> AsyncIterator[OwnConnection]:
    assert stack.admin_url
    async with fresh_database(stack.admin_url, "tracking") as url:
        connection = await connected_as_service(url)
        await connection.execute("ANALYZE")
        yield connection
        await connection.close()


async def test_a_round_takes_a_page(connection: OwnConnection) -> None:
    await fold_queue.take(connection, PAGE, AS_OF)
    await connection.execute(_UNSETTLED, ROWS)

    assert len(await fold_queue.take(connection, PAGE, AS_OF)) == PAGE


async def test_a_page_takes_along_whatever_else_is_queued_of_its_subjects(connection: OwnConnection) -> None:
    for _ in range(3):
        await connection.execute(_UNSETTLED, ROWS)

    taken = Counter(row.subject for row in await fold_queue.take(connection, PAGE, AS_OF))

    assert taken == {f"s{n}": 3 for n in range(1, PAGE + 1)}


async def test_what_is_not_due_yet_does_not_come_along(connection: OwnConnection) -> None:
    await connection.execute(_UNSETTLED, 1)
    await connection.execute(_LATER, AS_OF + timedelta(seconds=1))

    assert [row.cause for row in await fold_queue.take(connection, PAGE, AS_OF)] == ["news"]


async def test_timers_are_queued_in_pages(connection: OwnConnection) -> None:
    await fold_queue.enqueue_due(connection, AS_OF, PAGE)
    await connection.execute(_PICTURES, ROWS, AS_OF)

    assert await fold_queue.enqueue_due(connection, AS_OF, PAGE) == PAGE


async def test_pictures_are_published_again_in_pages(connection: OwnConnection) -> None:
    later = AS_OF + timedelta(days=1)
    await fold_queue.queue_old(connection, later, later, PAGE)
    await connection.execute(_PICTURES, ROWS, AS_OF)

    assert await fold_queue.queue_old(connection, later, later, PAGE) == PAGE


@pytest.mark.parametrize(
    ("rule", "rows"), [(RULES["receipt"], _RECEIPTS), (RULES["spent_on"], _SPENT), (PURGE_HISTORY, _HISTORY)]
)
async def test_what_is_old_goes_in_pages(connection: OwnConnection, rule: Rule, rows: str) -> None:
    later = AS_OF + timedelta(days=1)
    await connection.execute(rule.statement, later, PAGE)
    await connection.execute(rows, ROWS, AS_OF)

    assert await connection.execute(rule.statement, later, PAGE) == f"DELETE {PAGE}"
