"""The lock on a copy's name, which a process holds as long as it lives.

The `application_name` of its connection also carries the schema version that the copy's build knows.

Invariant: of two processes with one name at most one works; the other ends with exit code 2.
"""

import asyncio
import re
import zlib

import structlog

from services.chassis.base.database import OwnConnection, connect
from services.chassis.base.errors import NameTaken, is_transient

log = structlog.get_logger(__name__)

_SPACE = 0x0C01
CHECK_SECONDS = 2.0
_TRY_SECONDS = 0.5
_NAMED = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND starts_with(application_name, $1) ORDER BY 1
"""


class NameLock:
    """The advisory lock on one copy's name, on its own connection; `schema` is the newest migration that it knows."""

    def __init__(self, service: str, name: str, url: str, wait_seconds: float, schema: str = "") -> None:
        # The number comes before the name: Postgres cuts off what is too long.
        self._application = "-".join(part for part in (service, "name", schema, name) if part)
        self._name = name
        self._key = zlib.crc32(f"{service}/{name}".encode()) - 2**31
        self._url = url
        self._wait_seconds = wait_seconds
        self._connection: OwnConnection | None = None

    async def acquire(self) -> None:
        """Takes the lock; raises `NameTaken` if another process holds it for the whole wait."""
        loop = asyncio.get_running_loop()
        refused_since: float | None = None
        while True:
            try:
                if await self._try():
                    return
                refused_since = refused_since or loop.time()
                if loop.time() - refused_since >= self._wait_seconds:
                    raise NameTaken(f"COPY_NAME {self._name} is in use by another process")
            except Exception as failure:
                if not is_transient(failure):
                    raise
                refused_since = None
                log.warning("waiting for the database", failure=repr(failure))
            await asyncio.sleep(_TRY_SECONDS)

    async def keep(self) -> None:
        """Tests the connection, and takes the lock again if it broke; raises `NameTaken`."""
        assert self._connection is not None
        try:
            await self._connection.execute("SELECT 1")
        except Exception as failure:
            if not is_transient(failure):
                raise
            await self.acquire()

    async def _try(self) -> bool:
        await self.release()
        self._connection = await connect(self._url, self._application)
        return bool(await self._connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _SPACE, self._key))

    async def release(self) -> None:
        """Releases the lock by closing its connection."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


async def copies_before(connection: OwnConnection, service: str, schema: str) -> list[str]:
    """The running copies of a service whose builds do not know the migration `schema`, by `pg_stat_activity`."""
    rows = await connection.fetch(_NAMED, f"{service}-name-")
    return [name for row in rows if _schema_of(name := row["application_name"]) < schema]


def _schema_of(application: str) -> str:
    found = re.search(r"-name-(\d{14})-", application)
    return found[1] if found else ""
