"""The mark of a store, which rises with every look of every copy: so it is seen that a store was put back.

Invariant: in a store that was put back nothing is folded or numbered before it knows again what it has told. One in
another place, by which a server that was started anew or a table that was made anew is known, counts as put back
until it was compared with our topics, and its mark stays.
"""

from enum import Enum, auto
from typing import NamedTuple

from services.chassis.base.clock import version_after
from services.chassis.base.database import Pool, transaction

PLACE = "(extract(epoch FROM pg_postmaster_start_time()) || ' ' || pg_relation_filepath('store_mark'))"
"""An expression in SQL: what is another one after any way to put a store back but writing over its rows."""
COMPARED = f"((SELECT place FROM store_mark) = {PLACE})"
"""A condition in SQL: the store was compared with our topics where it is now."""
READS_BACK = f"(EXISTS (SELECT FROM recall) OR NOT {COMPARED})"
"""A condition in SQL: the store may not know yet what it has told."""

_RAISE = f"""
UPDATE store_mark AS m SET value = greatest(m.value + 1, $1), place = {PLACE}
FROM (SELECT value, place FROM store_mark FOR UPDATE) AS before
WHERE {PLACE} IN (before.place, $2)
RETURNING before.value AS found, m.value AS left
"""
_WANT = """
INSERT INTO recall AS r (since, noticed) VALUES ($1, $2)
ON CONFLICT (single) DO UPDATE
SET since = least(r.since, EXCLUDED.since), noticed = EXCLUDED.noticed, until = '-infinity'
"""
_FIND = f"SELECT value, {PLACE} AS place FROM store_mark"


class Look(Enum):
    """What a look at a store has shown."""

    AS_LEFT = auto()
    PUT_BACK = auto()
    """There is something to read back, which is noted."""
    NOT_COMPARED = auto()
    """The store is in another place: it is to be compared with our topics."""


class Found(NamedTuple):
    """The mark of a store, in microseconds, and where that store is."""

    value: int
    place: str


def knows_itself(parameter: str) -> str:
    """A condition in SQL: the store was not put back since a copy left its mark, and has nothing to read back."""
    return f"(NOT {READS_BACK} AND {as_left(parameter)})"


def as_left(parameter: str) -> str:
    """A condition in SQL: the store was not put back since a copy left its mark."""
    return f"((SELECT value FROM store_mark) >= {parameter})"


class StoreMark:
    """The highest mark that one copy has seen in the store, in microseconds; 0 before its first look."""

    def __init__(self) -> None:
        self.left = 0

    async def found(self, pool: Pool) -> Found:
        """The mark as it is in the store; a lower one is noticed from then on."""
        row = await pool.fetchrow(_FIND)
        assert row is not None
        found = Found(row["value"], row["place"])
        self.left = max(self.left, found.value)
        return found

    async def look(self, pool: Pool, unknown_since: int | None = None, compared: str | None = None) -> Look:
        """Raises the mark, and notes what there is to read back, in one transaction.

        There is when the mark is older than it was left, which exactly one of the copies at work finds, or when our
        topics have had something that the store does not know since an instant in microseconds. `compared` is the
        place in which that was found out.
        """
        async with transaction(pool) as connection:
            row = await connection.fetchrow(_RAISE, version_after(self.left), compared)
            since = [row["found"]] if row is not None and row["found"] < self.left else []
            since += [unknown_since] if unknown_since is not None else []
            if since:
                noticed = version_after(self.left) if row is None else row["left"]
                await connection.execute(_WANT, min(since), noticed)
        if row is None:
            return Look.NOT_COMPARED
        self.left = max(self.left, row["left"])
        return Look.PUT_BACK if since else Look.AS_LEFT
