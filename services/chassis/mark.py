"""The mark of a store, which rises with every look of every copy: so it is seen that a store was put back.

Invariant: in a store that was put back nothing is folded or numbered before it knows again what it has told.
"""

from services.chassis.clock import version_after
from services.chassis.database import Pool, transaction

_RAISE = """
UPDATE store_mark AS m SET value = greatest(m.value + 1, $1)
FROM (SELECT value FROM store_mark FOR UPDATE) AS before RETURNING before.value AS found, m.value AS left
"""
_WANT = """
INSERT INTO recall AS r (since, noticed) VALUES ($1, $2)
ON CONFLICT (single) DO UPDATE
SET since = least(r.since, EXCLUDED.since), noticed = EXCLUDED.noticed, until = '-infinity'
"""
_MARK = "SELECT value FROM store_mark"


def knows_itself(parameter: str) -> str:
    """A condition in SQL: the store was not put back since a copy left its mark, and has nothing to read back."""
    return f"(NOT EXISTS (SELECT FROM recall) AND (SELECT value FROM store_mark) >= {parameter})"


class StoreMark:
    """What one copy has left in the store, in microseconds; 0 before its first look."""

    def __init__(self) -> None:
        self.left = 0

    async def found(self, pool: Pool) -> int:
        """The mark as it is in the store."""
        value: int = await pool.fetchval(_MARK)
        return value

    async def look(self, pool: Pool, unknown_since: int | None = None) -> bool:
        """Raises the mark; whether there is something to read back, which it then notes, in one transaction.

        That is so when the mark is older than it was left, which exactly one of the copies at work finds, or when our
        topics have had something that the store does not know since an instant in microseconds.
        """
        async with transaction(pool) as connection:
            row = await connection.fetchrow(_RAISE, version_after(self.left))
            assert row is not None
            since = [row["found"]] if row["found"] < self.left else []
            since += [unknown_since] if unknown_since is not None else []
            if since:
                await connection.execute(_WANT, min(since), row["left"])
        self.left = row["left"]
        return bool(since)
