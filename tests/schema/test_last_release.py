"""What the last release asks of its stores goes on working on those of the newest build, before its `post` migrations.

Copies of both are at work while a new build is brought out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from deploy.services import SERVICES
from services.chassis.base.migrate import read_migrations
from tests.schema.statements import LAST_RELEASE, Release, read, statements, written
from tests.schema.tables import SERVICES_FOLDER, faults, folders_of
from tests.support.stores import empty_database

LAST = read(LAST_RELEASE.read_text(encoding="utf-8"))
_IN_SQL = re.compile(r"\b(FROM|INTO|UPDATE)\s+[a-z_]+", re.ASCII)


@pytest.fixture
async def url(stack: Stack) -> AsyncIterator[str]:
    """An empty database."""
    assert stack.admin_url
    async with empty_database(stack.admin_url) as url:
        yield url


@pytest.mark.servers
@pytest.mark.parametrize("service", SERVICES)
async def test_every_statement_of_the_last_release_runs(url: str, service: str) -> None:
    assert len(LAST.of(service)) > 80

    assert await faults(url, service, LAST, read_migrations(folders_of(service))) == []


async def faults_of(url: str, folder: Path, change: str, stage: str = "pre") -> list[str]:
    """What is told of one more migration of tracking."""
    (folder / f"20990101000001_{stage}_more.sql").write_text(f"-- migrate:up\n{change};\n")
    return await faults(url, "tracking", LAST, read_migrations([*folders_of("tracking"), folder]))


@pytest.mark.servers
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE link DROP COLUMN reads", 'column "reads" of relation "link" does not exist'),
        ("ALTER TABLE history RENAME TO past", 'relation "history" does not exist'),
        ("DROP INDEX fold_queue_turn; ALTER TABLE fold_queue DROP COLUMN party", "does not exist"),
        ("ALTER TABLE receipt ADD COLUMN more int NOT NULL", "receipt.more has to be named now"),
        ("ALTER TABLE picture ALTER COLUMN fold DROP DEFAULT", "picture.fold has to be named now"),
    ],
)
async def test_a_change_before_the_new_code_that_the_old_code_cannot_bear_is_told(
    url: str, tmp_path: Path, change: str, told: str
) -> None:
    assert any(told in fault for fault in await faults_of(url, tmp_path, change))


@pytest.mark.servers
@pytest.mark.parametrize(
    ("change", "stage"),
    [
        ("CREATE TABLE more (n int NOT NULL); ALTER TABLE link ADD COLUMN more int NOT NULL DEFAULT 0", "pre"),
        ("ALTER TABLE link DROP COLUMN reads", "post"),
    ],
)
async def test_additions_and_what_waits_are_no_fault(url: str, tmp_path: Path, change: str, stage: str) -> None:
    assert await faults_of(url, tmp_path, change, stage) == []


def test_what_is_written_down_is_read_back() -> None:
    found = [("services.chassis.a._ONE", "SELECT 1\n  FROM one"), ("services.tracking.b._TWO", "DELETE FROM two")]

    assert read(written("20260101000001", [*found, ("services.tracking.b._ONE", found[0][1])])) == Release(
        "20260101000001", found
    )


def test_statements_of_the_chassis_and_of_each_service_are_found() -> None:
    for service in SERVICES:
        found = {name.split(".")[1] for name, _ in statements(service)}
        assert found == {"chassis", service}


def test_no_statement_is_hidden_in_a_function() -> None:
    """Constants alone are looked at, here and for their plans."""
    hidden = [
        f"{file.name}:{node.lineno}"
        for file in SERVICES_FOLDER.rglob("*.py")
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_statement(node.value)
    ]

    assert hidden == []


def _is_statement(text: str) -> bool:
    return text.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")) and bool(_IN_SQL.search(text))
