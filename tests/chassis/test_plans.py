"""No statement reads a table whole that grows, whatever was in it when the statement was planned.

A service's connections keep their plans. One that was made while a table was empty, or vacuumed as empty, which
queues are time and again, has to do as well when thousands of rows wait there.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from deploy.local.stack import Stack
from deploy.services import SERVICES
from services.chassis.base.database import OwnConnection
from tests.schema.statements import statements
from tests.support.stores import connected_as_service, fresh_database

pytestmark = pytest.mark.servers

QUEUES = {"outbox", "fold_queue"}
GROWING = QUEUES | {
    "event",
    "head",
    "link",
    "replica",
    "picture",
    "receipt",
    "item",
    "history",
    "subject_row",
    "case_row",
    "told",
}
# Indexes of what waits or is open alone, which is all that is asked of them.
OF_FEW = {"picture_open"}
# Counts what waits, for operations.
READS_ALL = {"services.chassis.service.progress._COUNTS", "services.chassis.service.progress._SHARES"}
_INDEXES = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid, 1, true) AS first FROM pg_index
"""
# Nodes that take all rows below them before they give one.
_TAKE_ALL = {"Sort", "Incremental Sort", "Aggregate", "Unique"}


class Plans:
    """The generic plans of statements on one connection."""

    def __init__(self, connection: OwnConnection, firsts: dict[str, str]) -> None:
        self._connection = connection
        self._firsts = firsts

    async def faults(self, statement: str) -> set[str]:
        """What it reads whole."""
        parameters = ["NULL"] * max([0, *map(int, re.findall(r"\$(\d+)", statement))])
        await self._connection.execute(f"PREPARE p AS {statement}")
        given = f"({', '.join(parameters)})" if parameters else ""
        plan = json.loads(await self._connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE p {given}"))
        await self._connection.execute("DEALLOCATE p")
        return set(self._whole(plan[0]["Plan"]))

    def _whole(self, node: dict[str, Any], *, table: str = "", few: bool = False) -> Iterator[str]:
        """The scans of a plan without a condition of their index, but those that end after a few rows."""
        few = node["Node Type"] == "Limit" or (few and node["Node Type"] not in _TAKE_ALL)
        table = node.get("Relation Name", table)
        heap = node["Node Type"] == "Bitmap Heap Scan"
        if "Scan" in node["Node Type"] and not heap and table in GROWING and not few:
            index = node.get("Index Name", "no index")
            condition = node.get("Index Cond", node.get("TID Cond", ""))
            # Where ties are broken by chance, a growing table mends that with its next statistics; a queue does not.
            chance = table in QUEUES and self._firsts.get(index, "") not in condition
            if index not in OF_FEW and (not condition or chance):
                yield f"{table} by {index}"
        for below in node.get("Plans", ()):
            yield from self._whole(below, table=table if heap else "", few=few)


@pytest.fixture(params=["never looked at", "vacuumed as empty"])
async def plans(stack: Stack, service: str, request: Any) -> AsyncIterator[Plans]:
    assert stack.admin_url
    async with fresh_database(stack.admin_url, service) as url:
        connection = await connected_as_service(url)
        if request.param == "vacuumed as empty":
            await connection.execute("VACUUM ANALYZE")
        yield Plans(connection, {row["name"]: row["first"] for row in await connection.fetch(_INDEXES)})
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_no_statement_reads_a_growing_table_whole(plans: Plans, service: str) -> None:
    found = [(name, await plans.faults(text)) for name, text in statements(service) if name not in READS_ALL]

    assert len(found) > 50
    assert [(name, faults) for name, faults in found if faults] == []


@pytest.mark.parametrize("service", ["tracking"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM event WHERE body = $1",
        "SELECT FROM link WHERE source <> $1 ORDER BY event_id LIMIT 10",
        "SELECT FROM outbox JOIN unnest($1::text[]) AS u (ce_id) USING (ce_id)",
    ],
)
async def test_what_reads_all_is_found(plans: Plans, statement: str) -> None:
    assert await plans.faults(statement)
