"""Notices that the store was put back, and has everything said once more under new versions.

Invariant: the mark rises with every look of every copy. A store put back has an older one, which exactly one copy
finds: it raises the mark beyond all that any copy has seen, in the transaction that queues all pictures.
"""

import structlog

from services.chassis import pictures
from services.chassis.clock import version_after
from services.chassis.database import Pool, transaction
from services.chassis.pace import repeat
from services.chassis.settle import Settle

log = structlog.get_logger(__name__)

_RAISE = """
UPDATE store_mark AS m SET value = greatest(m.value + 1, $1)
FROM (SELECT value FROM store_mark FOR UPDATE) AS before RETURNING before.value AS found, m.value AS left
"""
_EVERY_SECONDS = 0.5


class Restate:
    """Looks at the mark of one store for one copy."""

    def __init__(self, pool: Pool, settle: Settle) -> None:
        self._pool = pool
        self._settle = settle
        self._left = 0

    async def run(self) -> None:
        """Looks until cancelled."""
        await repeat(self.look, _EVERY_SECONDS, "the mark of the store cannot be read")

    async def look(self) -> bool:
        """Raises the mark; when the store was put back since the last look, queues all pictures and says true."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(_RAISE, version_after(self._left))
            assert row is not None
            put_back = bool(row["found"] < self._left)
            if put_back:
                await pictures.queue_all(connection, pictures.RESTATE)
        self._left = row["left"]
        if put_back:
            log.warning("the store was put back: all is said once more")
            self._settle.wake()
        return put_back
