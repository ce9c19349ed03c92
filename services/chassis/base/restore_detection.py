"""Detects that a store was restored from a backup, by a mark that every check of every copy raises.

Invariant: a restored store folds and numbers nothing until it has recovered what it had published. A copy treats its
store as restored from its start, or from its first connection to another server, until it has compared the store with
our topics. A server keeps its identity across restarts, and loses it by a failover or a recovery.
"""

from enum import Enum, auto
from typing import Final, NamedTuple

from services.chassis.base.clock import version_after
from services.chassis.base.database import Connection, Pool, transaction

SERVER: Final = """(
    SELECT system_identifier || '/' || CASE WHEN pg_is_in_recovery() THEN 'recovery'
        ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END FROM pg_control_system())"""
"""An SQL expression: the identity of the server and its timeline, which changes by a failover or a recovery."""
READS_BACK: Final = "(EXISTS (SELECT FROM recovery_task))"
"""An SQL condition: the store has records of ours still to recover."""

_RAISE = f"""
UPDATE store_mark AS m SET value = greatest(m.value + 1, $1)
FROM (SELECT value FROM store_mark FOR UPDATE) AS before
WHERE $2 IN ('', {SERVER})
RETURNING before.value AS found, m.value AS left
"""
_WANT = """
INSERT INTO recovery_task AS r (since, noticed) VALUES ($1, $2)
ON CONFLICT (single) DO UPDATE
SET since = least(r.since, EXCLUDED.since), noticed = EXCLUDED.noticed, until = '-infinity'
"""
_FIND = f"SELECT value, {SERVER} AS server FROM store_mark"
# Higher than the mark of any store, so that the store counts as restored.
_UNREACHABLE: Final = 2**63 - 1


class StoreCheck(Enum):
    """The result of a check of the store."""

    UNCHANGED = auto()
    RESTORED = auto()
    """The store was restored, or lacks records of ours; a recovery task is stored."""
    NOT_COMPARED = auto()
    """The store is on another server, and has to be compared with our topics."""


class Found(NamedTuple):
    """The mark of a store, in microseconds, and the identity of its server."""

    value: int
    server: str


def not_restored(parameter: str) -> str:
    """An SQL condition: the store was not restored since a copy left the mark `parameter`, and is not recovering."""
    return f"(NOT {READS_BACK} AND {mark_unchanged(parameter)})"


def mark_unchanged(parameter: str) -> str:
    """An SQL condition: the store was not restored since a copy left the mark `parameter`."""
    return f"((SELECT value FROM store_mark) >= {parameter})"


class RestoreDetector:
    """One copy's memory of its store: the highest mark seen, and the server that was compared with our topics."""

    def __init__(self) -> None:
        self._seen = 0
        self._met = self._compared = ""

    @property
    def left(self) -> int:
        """The mark that the store must have, in microseconds; unreachably high until the store has been compared."""
        return self._seen if self.is_compared else _UNREACHABLE

    @property
    def is_compared(self) -> bool:
        """Whether the server of the newest connection is the one that was compared with our topics."""
        return self._met == self._compared

    async def meet(self, connection: Connection) -> None:
        """Notes the server of a new connection."""
        self._met = await connection.fetchval(f"SELECT {SERVER}")

    async def found(self, pool: Pool) -> Found:
        """Reads the mark and the server; `check` reports any lower mark from then on."""
        row = await pool.fetchrow(_FIND)
        assert row is not None
        found = Found(row["value"], row["server"])
        self._seen, self._met = max(self._seen, found.value), found.server
        return found

    async def check(self, pool: Pool, unknown_since: int | None = None, compared: str | None = None) -> StoreCheck:
        """Raises the mark, and stores a recovery task if one is needed, in one transaction.

        Recovery is needed if the mark went backwards, which exactly one running copy sees, or if our topics hold
        records that the store lacks: `unknown_since` is the microsecond from which to read them. `compared` is the
        server on which the caller has just compared the store with our topics.
        """
        server = compared if compared is not None else self._compared if self.is_compared else None
        async with transaction(pool) as connection:
            row = await connection.fetchrow(_RAISE, version_after(self._seen), server)
            since = [row["found"]] if row is not None and row["found"] < self._seen else []
            since += [unknown_since] if unknown_since is not None else []
            if since:
                noticed = version_after(self._seen) if row is None else row["left"]
                await connection.execute(_WANT, min(since), noticed)
        if row is None:
            return StoreCheck.NOT_COMPARED
        self._seen = max(self._seen, row["left"])
        if compared is not None:
            self._compared = compared
        return StoreCheck.RESTORED if since else StoreCheck.UNCHANGED
