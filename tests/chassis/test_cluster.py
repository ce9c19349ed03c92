"""A store belongs to one Kafka: a service that meets another stops, until somebody moves the store on purpose."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.broker import secure
from deploy.broker_clients import service_access
from deploy.broker_rules import service_user
from deploy.local.leash import spawn
from deploy.local.stack import Stack
from deploy.provision import create_topics, read_parties, read_quotas
from deploy.services import ROOT
from services.chassis.base.database import Pool, open_pool
from services.chassis.base.errors import OtherCluster
from services.chassis.kafka.cluster import Cluster, known
from tests.support.stores import fresh_database
from tests.support.system import until

pytestmark = pytest.mark.servers


@pytest.fixture
async def url(stack: Stack) -> AsyncIterator[str]:
    assert stack.admin_url
    async with fresh_database(stack.admin_url, "tracking") as one:
        yield one


@pytest.fixture
async def pool(url: str) -> AsyncIterator[Pool]:
    one = await open_pool(url, "test")
    yield one
    one.terminate()


async def moved_away(pool: Pool) -> None:
    """The store belongs to another Kafka than that of the tests."""
    await pool.execute("DELETE FROM cluster")
    await pool.execute("INSERT INTO cluster (id) VALUES ('another')")


async def test_a_store_belongs_to_the_first_that_it_meets(stack: Stack, pool: Pool) -> None:
    await Cluster("tracking", stack.access.config()).require(pool)
    met = await known(pool)
    await Cluster("tracking", stack.access.config()).require(pool)

    assert met
    assert await known(pool) == met


async def test_another_one_is_told_with_what_to_do(stack: Stack, pool: Pool) -> None:
    await moved_away(pool)

    with pytest.raises(OtherCluster, match=r"belongs to cluster another; .* -m corridor cluster forget tracking"):
        await Cluster("tracking", stack.access.config()).require(pool)

    assert await known(pool) == "another"


async def test_one_that_is_away_is_waited_for(pool: Pool) -> None:
    with pytest.raises(OSError, match="does not give"):
        await Cluster("tracking", {"bootstrap.servers": "127.0.0.1:1"}).require(pool)


async def test_a_wrong_password_is_told_as_what_it_is(stack: Stack, pool: Pool) -> None:
    """A service waits for the right one, and its log says why."""
    guesses = stack.access.signed_in_as("party.pr", "guessed")

    with pytest.raises(OSError, match="invalid credentials"):
        await Cluster("tracking", guesses.config()).require(pool)


async def test_the_command_line_moves_a_store(stack: Stack, url: str, pool: Pool) -> None:
    await moved_away(pool)

    said = [await asyncio.to_thread(command, url, verb) for verb in ("show", "forget", "show")]
    await Cluster("tracking", stack.access.config()).require(pool)

    assert said == [{"cluster": "another"}, {"cluster": "another"}, {"cluster": None}]


def command(url: str, verb: str) -> object:
    environ = {"TRACKING_DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
    words = (sys.executable, "-m", "corridor", "cluster", verb, "tracking")
    return json.loads(subprocess.run(words, env=environ, capture_output=True, timeout=30, check=True).stdout)


@pytest.fixture
async def environ(stack: Stack, url: str, tmp_path: Path) -> dict[str, str]:
    """That of a service which may do here what it is to do."""
    await secure(stack.access, tmp_path, read_parties(), read_quotas(), [service_user("tracking")])
    await create_topics(stack.access, read_parties())
    own = service_access(tmp_path, stack.access, "tracking").environment()
    server = {"TRACKING_DATABASE_URL": url, "HTTP_PORT": "0", "COPY_NAME": "lost"}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **own, **server}


async def test_a_service_at_another_kafka_ends_with_one_line_and_2(pool: Pool, environ: dict[str, str]) -> None:
    await moved_away(pool)

    ended = await asyncio.to_thread(run, environ)

    (line,) = [text for text in ended.stderr.splitlines() if not text.startswith("{")]
    assert ended.returncode == 2
    assert line.startswith(f"tracking: Kafka at {environ['KAFKA_BOOTSTRAP_SERVERS']} is cluster ")
    assert await pool.fetchval("SELECT count(*) FROM position") == 0


def run(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.tracking"]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


async def test_a_service_that_finds_another_kafka_at_its_address_ends(
    pool: Pool, environ: dict[str, str], tmp_path: Path
) -> None:
    child = spawn([sys.executable, "-m", "services.tracking"], environ, tmp_path / "log")
    try:

        async def met() -> bool:
            return await known(pool) is not None

        await until(met, 60, "the first look at Kafka")
        await moved_away(pool)

        assert await asyncio.to_thread(child.wait, 60) == 2
    finally:
        child.stop(20)
    assert "the store belongs to cluster another" in child.said()[-1]
