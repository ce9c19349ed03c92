"""Kafka and Postgres as containers, through testcontainers.

Invariant: ports are published on the loopback address only, and a container is handed out once it
answers over TCP.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from docker.errors import DockerException  # type: ignore[import-untyped]
from testcontainers.core.container import DockerContainer

from deploy.local.databases import accepts_connections
from deploy.local.errors import CannotRun
from deploy.local.kafka import answers
from deploy.local.kafka_settings import ADMIN, SETTINGS, as_properties, listeners
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.waiting import wait_until
from services.chassis.base.access import MECHANISM, KafkaAccess

KAFKA_IMAGE = "apache/kafka:4.4.0"
POSTGRES_IMAGE = "postgres:18"
# The image's own way to start knows of no users.
_START_KAFKA = """
umask 077 && cd /tmp && printf %s "$SETTINGS" > server.properties &&
/opt/kafka/bin/kafka-storage.sh format --cluster-id "$(/opt/kafka/bin/kafka-storage.sh random-uuid)" \\
    --config server.properties --add-scram "$ADMIN" && exec /opt/kafka/bin/kafka-server-start.sh server.properties
"""
_READY_WITHIN = 90
_TAIL_LINES = 25


class ContainerFailed(CannotRun):
    """A container could not be started, or its server does not answer."""


@contextmanager
def kafka() -> Iterator[KafkaAccess]:
    """A broker in a container; yields how its administrator signs in."""
    # The port is chosen before the start, since the broker must advertise it.
    port, password = free_port(), secrets.token_hex(16)
    access = KafkaAccess(f"{LOOPBACK}:{port}", "sasl_plaintext", ADMIN, password)
    with _running(KAFKA_IMAGE, 9092, port, _kafka_environment(access), ["bash", "-c", _START_KAFKA]) as container:
        _wait(container, lambda: answers(access))
        yield access


@contextmanager
def postgres() -> Iterator[str]:
    """A server in a container; yields the address of its administrator."""
    port, password = free_port(), secrets.token_hex(16)
    admin_url = f"postgresql://postgres:{password}@{LOOPBACK}:{port}/postgres"
    with _running(POSTGRES_IMAGE, 5432, port, {"POSTGRES_PASSWORD": password}) as container:
        _wait(container, lambda: accepts_connections(admin_url))
        yield admin_url


@contextmanager
def _running(
    image: str, inner_port: int, port: int, environment: Mapping[str, str], command: list[str] | None = None
) -> Iterator[DockerContainer]:
    with ExitStack() as stopping:
        try:
            container = DockerContainer(image).with_envs(**environment)
            if command:
                container = container.with_command(command)
            # Set past the method for it, which knows no address to publish on; the engine gets it as it is.
            container.ports[f"{inner_port}/tcp"] = (LOOPBACK, port)  # type: ignore[assignment]
            stopping.enter_context(container)
        except DockerException as error:
            raise ContainerFailed(f"{image} cannot be started in Docker: {error}") from error
        yield container


def _kafka_environment(access: KafkaAccess) -> dict[str, str]:
    settings = {
        **SETTINGS,
        **listeners(9092, 9093, {}, access.password),
        "listeners": "BROKER://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"BROKER://{access.bootstrap}",
    }
    return {"SETTINGS": as_properties(settings), "ADMIN": f"{MECHANISM}=[name={ADMIN},password={access.password}]"}


def _wait(container: DockerContainer, ready: Callable[[], bool]) -> None:
    try:
        wait_until(ready, _READY_WITHIN, f"the server of {container.image}")
    except TimeoutError as error:
        output = b"\n".join(container.get_logs()).decode(errors="replace")
        tail = "\n".join(output.splitlines()[-_TAIL_LINES:])
        raise ContainerFailed(f"{error}; the end of its log:\n{tail}") from error
