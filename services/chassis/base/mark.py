"""The mark of a store, which rises with every look of every copy: so it is seen that a store was put back.

Invariant: in a store that was put back nothing is folded or numbered before it knows again what it has told. A copy
that starts, or meets another server than it had compared with our topics, counts its store as put back until it has
compared. A server that was merely started anew is the same one.
"""

from enum import Enum, auto
from typing import Final, NamedTuple

from services.chassis.base.clock import version_after
from services.chassis.base.database import Connection, Pool, transaction

SERVER: Final = """(
    SELECT system_identifier || '/' || CASE WHEN pg_is_in_recovery() THEN 'recovery'
        ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END FROM pg_control_system())"""
"""An expression in SQL: which server this is, and on which timeline: another one after a failover or a recovery."""
READS_BACK: Final = "(EXISTS (SELECT FROM recall))"
"""A condition in SQL: the store may not know yet what it has told."""

_RAISE = f"""
UPDATE store_mark AS m SET value = greatest(m.value + 1, $1)
FROM (SELECT value FROM store_mark FOR UPDATE) AS before
WHERE $2 IN ('', {SERVER})
RETURNING before.value AS found, m.value AS left
"""
_WANT = """
INSERT INTO recall AS r (since, noticed) VALUES ($1, $2)
ON CONFLICT (single) DO UPDATE
SET since = least(r.since, EXCLUDED.since), noticed = EXCLUDED.noticed, until = '-infinity'
"""
_FIND = f"SELECT value, {SERVER} AS server FROM store_mark"
# No store has such a mark, so that nothing in it counts as it was left.
_NEVER: Final = 2**63 - 1


class Look(Enum):
    """What a look at a store has shown."""

    AS_LEFT = auto()
    PUT_BACK = auto()
    """There is something to read back, which is noted."""
    NOT_COMPARED = auto()
    """It is on another server: it is to be compared with our topics."""


class Found(NamedTuple):
    """The mark of a store, in microseconds, and its server."""

    value: int
    server: str


def knows_itself(parameter: str) -> str:
    """A condition in SQL: the store was not put back since a copy left its mark, and has nothing to read back."""
    return f"(NOT {READS_BACK} AND {as_left(parameter)})"


def as_left(parameter: str) -> str:
    """A condition in SQL: the store was not put back since a copy left its mark."""
    return f"((SELECT value FROM store_mark) >= {parameter})"


class StoreMark:
    """What one copy knows of its store: the highest mark that it has seen, and the server that it has compared."""

    def __init__(self) -> None:
        self._seen = 0
        self._met = self._compared = ""

    @property
    def left(self) -> int:
        """The mark that the store has to have, in microseconds; none has it while it is to be compared."""
        return self._seen if self.is_compared else _NEVER

    @property
    def is_compared(self) -> bool:
        """Whether the store was compared with our topics on the server that the newest connection leads to."""
        return self._met == self._compared

    async def meet(self, connection: Connection) -> None:
        """Notes the server that a new connection leads to."""
        self._met = await connection.fetchval(f"SELECT {SERVER}")

    async def found(self, pool: Pool) -> Found:
        """The mark as it is in the store; a lower one is noticed from then on."""
        row = await pool.fetchrow(_FIND)
        assert row is not None
        found = Found(row["value"], row["server"])
        self._seen, self._met = max(self._seen, found.value), found.server
        return found

    async def look(self, pool: Pool, unknown_since: int | None = None, compared: str | None = None) -> Look:
        """Raises the mark, and notes what there is to read back, in one transaction.

        There is when the mark is older than it was left, which exactly one of the copies at work finds, or when our
        topics have had something that the store does not know since an instant in microseconds. `compared` is the
        server on which that was found out.
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
            return Look.NOT_COMPARED
        self._seen = max(self._seen, row["left"])
        if compared is not None:
            self._compared = compared
        return Look.PUT_BACK if since else Look.AS_LEFT
