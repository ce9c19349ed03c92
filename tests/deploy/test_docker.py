"""The stack in containers, where a Docker engine answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.kafka import answers
from deploy.local.stack import Stack, open_stack

pytestmark = [pytest.mark.docker, pytest.mark.servers]

_DATABASES = {f"{name}_DATABASE_URL": "postgresql://db.example" for name in ("TRACKING", "CUSTOMS", "NOTIFICATIONS")}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as patch:
        # The reaper is one more image to pull, for containers that these tests remove themselves.
        patch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
        yield Engine()


class Engine:
    """What the engine says of the containers that testcontainers started."""

    def __init__(self) -> None:
        from testcontainers.core.docker_client import DockerClient

        try:
            self._client = DockerClient().client
            self._client.ping()
        except Exception as error:
            pytest.skip(f"no Docker engine answers: {error}")

    def containers(self) -> set[str]:
        return {container.id for container in self._ours()}

    def published_on(self) -> set[str]:
        bindings = [ports for one in self._ours() for ports in one.attrs["HostConfig"]["PortBindings"].values()]
        return {binding["HostIp"] for ports in bindings for binding in ports}

    def _ours(self) -> list[Any]:
        return list(self._client.containers.list(filters={"label": "org.testcontainers=true"}))


@pytest.fixture(scope="module")
def in_docker(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with open_stack(tmp_path_factory.mktemp("unused"), {"STACK": "docker"}) as stack:
        yield stack


def test_kafka_answers_at_its_address(in_docker: Stack) -> None:
    """It advertises the port that the engine publishes."""
    assert answers(in_docker.access)


async def test_a_service_reaches_its_database(in_docker: Stack) -> None:
    """Databases and roles are made in the container as they are in the embedded server."""
    connection = await asyncpg.connect(in_docker.database_urls["customs"], timeout=10)
    try:
        assert connection.get_server_version().major == 18
    finally:
        await connection.close()


def test_ports_are_published_on_the_loopback_address_only(engine: Engine, in_docker: Stack) -> None:
    """A stack on a laptop is nobody else's."""
    assert engine.published_on() == {"127.0.0.1"}


def test_nothing_stays_behind(engine: Engine, tmp_path: Path) -> None:
    """Containers and their volumes go with the stack."""
    before = engine.containers()

    with open_stack(tmp_path, {"STACK": "docker", **_DATABASES}):
        assert len(engine.containers() - before) == 1

    assert engine.containers() == before
