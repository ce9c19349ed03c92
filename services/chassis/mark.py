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


def knows_itself(parameter: str) -> str:
    """A condition in SQL: the store was not put back since a copy left its mark, and has nothing to read back."""
    return f"(NOT EXISTS (SELECT FROM recall) AND (SELECT value FROM store_mark) >= {parameter})"


class StoreMark:
    """What one copy has left in the store, in microseconds; 0 before its first look."""

    def __init__(self) -> None:
        self.left = 0

    async def look(self, pool: Pool, *, put_back: bool = False) -> bool:
        """Raises the mark; whether the store was put back, which it then notes as a task, in one transaction.

        An older mark than was left is found by exactly one copy; `put_back` says that it is known otherwise.
        """
        async with transaction(pool) as connection:
            row = await connection.fetchrow(_RAISE, version_after(self.left))
            assert row is not None
            put_back = put_back or bool(row["found"] < self.left)
            if put_back:
                await connection.execute(_WANT, row["found"], row["left"])
        self.left = row["left"]
        return put_back

    async def note(self, pool: Pool, since: int) -> None:
        """Notes that our own topics are to be read back from an instant on, in microseconds."""
        async with transaction(pool) as connection:
            row = await connection.fetchrow(_RAISE, version_after(self.left))
            assert row is not None
            await connection.execute(_WANT, since, row["left"])
