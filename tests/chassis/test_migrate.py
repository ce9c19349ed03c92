"""Migrations: dbmate's file format, once each, in order, never changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.chassis.base.migrate import CHASSIS, Done, MigrationError, migrate_store, read_migrations
from tests.support.stores import empty_database

pytestmark = pytest.mark.servers

ONE = "-- migrate:up\nCREATE TABLE one (n int);\n-- migrate:down\nDROP TABLE one;\n"
TWO = "-- migrate:up\nCREATE TABLE two (n int);\n"
GONE = "-- migrate:up\nDROP TABLE one;\n"


@pytest.fixture
async def url(stack: Stack) -> AsyncIterator[str]:
    """An empty database."""
    assert stack.admin_url
    async with empty_database(stack.admin_url) as url:
        yield url


def write(folder: Path, **files: str) -> Path:
    """Files by `pre_1` or `post_2`: when it runs, and the end of its number."""
    for name, text in files.items():
        stage, _, number = name.partition("_")
        (folder / f"2026010100000{number}_{stage}_some.sql").write_text(text)
    return folder


async def run(url: str, folder: Path, *, post: bool = False) -> Done:
    """What ran now and what waits, by the ends of the numbers."""
    done = await migrate_store(url, "test", read_migrations([folder]), post=post)
    return Done([version[-1] for version in done.ran], [version[-1] for version in done.waiting])


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    return {row["tablename"] for row in rows} - {"schema_migrations"}


async def test_files_run_once_and_only_their_way_up(url: str, tmp_path: Path) -> None:
    write(tmp_path, pre_1=ONE, pre_2=TWO)

    assert await run(url, tmp_path) == (["1", "2"], [])
    assert await run(url, tmp_path) == ([], [])
    assert await tables(url) == {"one", "two"}


async def test_what_takes_away_waits_until_it_is_asked_for(url: str, tmp_path: Path) -> None:
    """Newer additions do not wait for it."""
    await run(url, write(tmp_path, pre_1=ONE))
    write(tmp_path, post_2=GONE, pre_3=TWO)

    assert await run(url, tmp_path) == (["3"], ["2"])
    assert await tables(url) == {"one", "two"}
    assert await run(url, tmp_path, post=True) == (["2"], [])
    assert await tables(url) == {"two"}


async def test_an_empty_database_takes_everything(url: str, tmp_path: Path) -> None:
    assert await run(url, write(tmp_path, pre_1=ONE, post_2=GONE, pre_3=TWO)) == (["1", "2", "3"], [])


async def test_a_build_is_refused_a_store_from_which_a_later_one_has_taken_away(url: str, tmp_path: Path) -> None:
    for build in ("last", "next"):
        (tmp_path / build).mkdir()
        write(tmp_path / build, pre_1=ONE)
    await run(url, write(tmp_path / "next", pre_2=TWO, post_3=GONE))

    with pytest.raises(MigrationError, match="later build, whose migration 20260101000003"):
        await run(url, tmp_path / "last")


async def test_a_build_works_on_a_store_to_which_a_later_one_has_added(url: str, tmp_path: Path) -> None:
    for build in ("last", "next"):
        (tmp_path / build).mkdir()
        write(tmp_path / build, pre_1=ONE)
    await run(url, tmp_path / "last")
    await run(url, write(tmp_path / "next", pre_2=TWO, post_3=GONE))

    assert await run(url, tmp_path / "last") == ([], [])


async def test_a_file_that_has_run_may_not_change(url: str, tmp_path: Path) -> None:
    await run(url, write(tmp_path, pre_1=ONE))

    with pytest.raises(MigrationError, match="has changed"):
        await run(url, write(tmp_path, pre_1=ONE + "-- more\n"))


@pytest.mark.parametrize("stage", ["pre", "post"])
async def test_a_file_may_not_come_before_one_of_its_kind_that_has_run(url: str, tmp_path: Path, stage: str) -> None:
    await run(url, write(tmp_path, **{f"{stage}_2": TWO}))

    with pytest.raises(MigrationError, match="older"):
        await run(url, write(tmp_path, **{f"{stage}_1": ONE}), post=True)


async def test_a_file_that_fails_leaves_nothing_of_itself(url: str, tmp_path: Path) -> None:
    write(tmp_path, pre_1="-- migrate:up\nCREATE TABLE one (n int); SELECT no_such_function();\n")

    with pytest.raises(asyncpg.PostgresError):
        await run(url, tmp_path)

    assert await tables(url) == set()


async def test_a_store_from_before_the_two_kinds_goes_on(url: str, tmp_path: Path) -> None:
    await run(url, write(tmp_path, pre_1=ONE))
    connection = await asyncpg.connect(url)
    await connection.execute("ALTER TABLE schema_migrations DROP COLUMN post")
    await connection.close()

    assert await run(url, write(tmp_path, pre_2=TWO)) == (["2"], [])


async def test_copies_that_start_together_run_each_file_once(url: str, tmp_path: Path) -> None:
    write(tmp_path, pre_1=ONE, pre_2=TWO)

    ran = await asyncio.gather(*(run(url, tmp_path) for _ in range(4)))

    assert sorted(number for done in ran for number in done.ran) == ["1", "2"]


def test_two_files_may_not_have_one_number(tmp_path: Path) -> None:
    write(tmp_path, pre_1=ONE, post_1=TWO)

    with pytest.raises(MigrationError, match="same number"):
        read_migrations([tmp_path])


@pytest.mark.parametrize("text", ["CREATE TABLE one (n int);", ""])
def test_a_file_without_a_way_up_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MigrationError, match="no dbmate migration"):
        read_migrations([write(tmp_path, pre_1=text)])


@pytest.mark.parametrize("name", ["20260101000001_some.sql", "20260101000001_between_some.sql", "1_pre_some.sql"])
def test_a_file_says_by_its_name_when_it_runs(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(ONE)

    with pytest.raises(MigrationError, match="<pre or post>"):
        read_migrations([tmp_path])


@pytest.mark.parametrize("service", ["tracking", "customs", "notifications"])
async def test_the_way_down_of_a_service_takes_everything_away(url: str, service: str) -> None:
    folders = [CHASSIS, CHASSIS.parents[1] / service / "migrations"]
    files = sorted((f for folder in folders for f in folder.glob("*.sql")), key=lambda f: f.name)
    await migrate_store(url, "test", read_migrations(folders))
    connection = await asyncpg.connect(url)

    for file in reversed(files):
        await connection.execute(file.read_text().partition("-- migrate:down")[2])
    await connection.close()

    assert await tables(url) == set()
