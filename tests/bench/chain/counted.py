"""What a chain has done to its stores and topics, counted by Postgres and Kafka themselves.

Invariant: what the driver does there is not counted. Statements and WAL of a service are those of its role, exact at
once. Commits, rows, fsyncs and the WAL of `all` are told by each session when it is done, at most once a second, and by
one that has gone idle ten seconds later; fsyncs of a service are those of its sessions that are still open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import asyncpg

from contracts import topics
from tests.bench.chain.backlog import Looker
from tests.bench.chain.chain import Chain

Counts = dict[str, float]
Each = Mapping[str, Mapping[str, float]]

_STATEMENTS: Final = """
SELECT r.rolname AS service, sum(s.calls) AS statements, sum(s.wal_records) AS wal_records,
       sum(s.wal_bytes) AS wal_bytes
FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname <> 'postgres' GROUP BY 1
"""
_COMMITS: Final = "SELECT datname AS service, xact_commit AS commits FROM pg_stat_database WHERE datname IS NOT NULL"
_FSYNCS: Final = """
SELECT coalesce(a.usename, 'postgres') AS service, sum(io.fsyncs) AS fsyncs
FROM pg_stat_activity a, LATERAL pg_stat_get_backend_io(a.pid) io WHERE io.object = 'wal' GROUP BY 1
"""
_ROWS: Final = """
SELECT sum(n_tup_ins) AS inserted, sum(n_tup_upd) AS updated, sum(n_tup_del) AS deleted FROM pg_stat_user_tables
"""
_WAL: Final = "SELECT wal_records, wal_bytes, wal_fpi AS wal_full_pages FROM pg_stat_wal"
_ALL_FSYNCS: Final = "SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'"
_DEAREST: Final = """
SELECT r.rolname AS service, s.calls, round(s.total_exec_time::numeric, 1) AS ms,
       left(regexp_replace(s.query, '\\s+', ' ', 'g'), 110) AS query
FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname <> 'postgres'
ORDER BY s.total_exec_time DESC LIMIT $1
"""
_RESET: Final = "SELECT pg_stat_statements_reset()"


async def count(chain: Chain, looker: Looker) -> Counts:
    """All counters as they stand, by `<service> <what>`, `all <what>` and `<topics> <what>`."""
    found: Counts = {}
    for service in chain.pids:
        rows = await looker.stores[service].fetchrow(_ROWS)
        looker.asked[service] += 1
        found |= {f"{service} {name}": float(value or 0) for name, value in (rows or {}).items()}
    store = looker.server
    for query in (_STATEMENTS, _COMMITS, _FSYNCS):
        for row in await store.fetch(query):
            if row["service"] in chain.pids:
                found |= {f"{row['service']} {n}": float(v) for n, v in row.items() if n != "service"}
    for service, asked in looker.asked.items():
        found[f"{service} commits"] -= asked
    found |= {f"all {name}": float(value) for name, value in (await store.fetchrow(_WAL) or {}).items()}
    found["all fsyncs"] = float(await store.fetchval(_ALL_FSYNCS))
    return found | _topics(chain, looker)


def each(before: Mapping[str, float], after: Mapping[str, float], reports: float) -> dict[str, dict[str, float]]:
    """What each report has cost, by service or topics, without what it has not."""
    found: dict[str, dict[str, float]] = {}
    for name, value in sorted(after.items()):
        whose, _, what = name.rpartition(" ")
        if amount := round((value - before.get(name, 0.0)) / reports, 2):
            found.setdefault(whose, {})[what] = amount
    return found


async def forget_statements(store: asyncpg.Connection[Any]) -> None:
    """Begins to count statements anew."""
    await store.execute(_RESET)


async def dearest(store: asyncpg.Connection[Any], most: int) -> list[dict[str, Any]]:
    """The statements on which the most time was spent since they were last forgotten."""
    return [dict(row) for row in await store.fetch(_DEAREST, most)]


def _topics(chain: Chain, looker: Looker) -> Counts:
    """Records in the topics of each row of the table, and the bytes that they take on disk."""
    found: Counts = {}
    sizes = _sizes(chain.servers.kafka.data_dir)
    for (topic, partition), end in looker.ends().items():
        for row in topics.TABLE:
            if re.fullmatch(row.regex, topic):
                found[f"{row.name} records"] = found.get(f"{row.name} records", 0.0) + end
                size = sizes.get(f"{topic}-{partition}", 0)
                found[f"{row.name} bytes"] = found.get(f"{row.name} bytes", 0.0) + size
    return found


def _sizes(data: Path) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for segment in data.glob("**/*.log"):
        sizes[segment.parent.name] = sizes.get(segment.parent.name, 0) + segment.stat().st_size
    return sizes
