"""Migrations: dbmate's file format, once each, in order, never changed."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.chassis.base.migrate import CHASSIS, MigrationError, migrate, read_migrations

pytestmark = pytest.mark.servers

ONE = "-- migrate:up\nCREATE TABLE one (n int);\n-- migrate:down\nDROP TABLE one;\n"
TWO = "-- migrate:up\nCREATE TABLE two (n int);\n"


@pytest.fixture
async def url(stack: Stack) -> AsyncIterator[str]:
    """An empty database."""
    assert stack.admin_url
    name = f"migrate_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(stack.admin_url)
    await admin.execute(f"CREATE DATABASE {name}")
    yield stack.admin_url.rpartition("/")[0] + f"/{name}"
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"2026010100000{name[-1]}_{name}.sql").write_text(text)
    return folder


async def run(url: str, folder: Path) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return await migrate(connection, read_migrations([folder]))
    finally:
        await connection.close()


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    return {row["tablename"] for row in rows} - {"schema_migrations"}


async def test_files_run_once_and_only_their_way_up(url: str, tmp_path: Path) -> None:
    write(tmp_path, m1=ONE, m2=TWO)

    assert await run(url, tmp_path) == ["20260101000001", "20260101000002"]
    assert await run(url, tmp_path) == []
    assert await tables(url) == {"one", "two"}


async def test_a_file_that_has_run_may_not_change(url: str, tmp_path: Path) -> None:
    await run(url, write(tmp_path, m1=ONE))

    with pytest.raises(MigrationError, match="has changed"):
        await run(url, write(tmp_path, m1=ONE + "-- more\n"))


async def test_a_file_may_not_come_before_one_that_has_run(url: str, tmp_path: Path) -> None:
    await run(url, write(tmp_path, m2=TWO))

    with pytest.raises(MigrationError, match="older"):
        await run(url, write(tmp_path, m1=ONE))


async def test_a_file_that_fails_leaves_nothing_of_itself(url: str, tmp_path: Path) -> None:
    write(tmp_path, m1="-- migrate:up\nCREATE TABLE one (n int); SELECT no_such_function();\n")

    with pytest.raises(asyncpg.PostgresError):
        await run(url, tmp_path)

    assert await tables(url) == set()


async def test_copies_that_start_together_run_each_file_once(url: str, tmp_path: Path) -> None:
    write(tmp_path, m1=ONE, m2=TWO)

    ran = await asyncio.gather(*(run(url, tmp_path) for _ in range(4)))

    assert sorted(version for versions in ran for version in versions) == ["20260101000001", "20260101000002"]


def test_two_files_may_not_have_one_number(tmp_path: Path) -> None:
    (tmp_path / "20260101000001_a.sql").write_text(ONE)
    (tmp_path / "20260101000001_b.sql").write_text(TWO)

    with pytest.raises(MigrationError, match="same number"):
        read_migrations([tmp_path])


@pytest.mark.parametrize("text", ["CREATE TABLE one (n int);", ""])
def test_a_file_without_a_way_up_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "20260101000001_a.sql").write_text(text)

    with pytest.raises(MigrationError, match="no dbmate migration"):
        read_migrations([tmp_path])


@pytest.mark.parametrize("service", ["tracking", "customs", "notifications"])
async def test_the_way_down_of_a_service_takes_everything_away(url: str, service: str) -> None:
    folders = [CHASSIS, CHASSIS.parents[1] / service / "migrations"]
    files = sorted((f for folder in folders for f in folder.glob("*.sql")), key=lambda f: f.name)
    connection = await asyncpg.connect(url)
    await migrate(connection, read_migrations(folders))

    for file in reversed(files):
        await connection.execute(file.read_text().partition("-- migrate:down")[2])
    await connection.close()

    assert await tables(url) == set()
