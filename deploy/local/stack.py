"""Finds Kafka and Postgres: addresses in the environment, Docker where asked for, embedded otherwise.

Invariant: each of the two is found on its own, what was given is used untouched, and what was
started is stopped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.databases import SERVICES, create_databases
from deploy.local.datadir import guarded
from deploy.local.errors import CannotRun
from deploy.local.jars import Progress
from deploy.local.kafka import Kafka
from deploy.local.ports import steady_port
from deploy.local.postgres import Postgres
from deploy.local.runtime import prepare_runtime
from services.chassis.base.access import KafkaAccess, access_in

KAFKA_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
TLS_VARIABLE = "TLS"
DATABASE_VARIABLES = {service: f"{service.upper()}_DATABASE_URL" for service in SERVICES}
CHOICE_VARIABLE = "STACK"


class StackError(CannotRun):
    """The environment asks for something that cannot be meant."""


@dataclass(frozen=True)
class Stack:
    """Addresses of a running stack; `access` is how its administrator signs in to Kafka.

    `admin_url` is None where Postgres is given; `kafka` and `postgres` are None where they are not embedded.
    """

    access: KafkaAccess
    database_urls: dict[str, str]
    admin_url: str | None = None
    kafka: Kafka | None = None
    postgres: Postgres | None = None

    @property
    def kafka_bootstrap(self) -> str:
        return self.access.bootstrap

    def environment(self) -> dict[str, str]:
        """What its administrator needs: addresses, and a name and a password in Kafka."""
        urls = {variable: self.database_urls[service] for service, variable in DATABASE_VARIABLES.items()}
        return {**self.access.environment(), **urls}


@contextmanager
def open_stack(
    data_dir: Path,
    environ: Mapping[str, str] = os.environ,
    progress: Progress = print,
    *,
    fsync: bool = True,
) -> Iterator[Stack]:
    """A running stack for the length of the block. `data_dir` holds what embedded servers keep."""
    given = _Given(_given_kafka(environ), _given_urls(environ))
    choice = environ.get(CHOICE_VARIABLE) or "embedded"
    if choice not in ("embedded", "docker"):
        raise StackError(f"{CHOICE_VARIABLE}={choice}: must be 'embedded' or 'docker'")
    tls = bool(environ.get(TLS_VARIABLE))
    if tls and choice == "docker":
        raise StackError(f"{TLS_VARIABLE} is for an embedded Kafka: not with {CHOICE_VARIABLE}=docker")
    for server in given.named():
        progress(f"{server}, as the environment says")
    with ExitStack() as running:
        if given.access and given.urls:
            yield Stack(given.access, given.urls)
        elif choice == "docker":
            yield _in_docker(running, given, progress)
        else:
            yield _embedded(running, given, data_dir.absolute(), progress, fsync, tls)


@dataclass(frozen=True)
class _Given:
    """What the environment names; nothing where it names nothing."""

    access: KafkaAccess | None
    urls: dict[str, str]

    def named(self) -> Iterator[str]:
        """What of the two it names, and where; no password."""
        if self.access:
            yield f"using Kafka at {self.access.bootstrap}"
        if self.urls:
            places = {urlsplit(url).netloc.rpartition("@")[2] for url in self.urls.values()}
            yield f"using Postgres at {', '.join(sorted(places))}"


def _given_kafka(environ: Mapping[str, str]) -> KafkaAccess | None:
    if not environ.get(KAFKA_VARIABLE):
        return None
    try:
        return access_in(environ)
    except ValueError as failure:
        raise StackError(str(failure)) from None


def _given_urls(environ: Mapping[str, str]) -> dict[str, str]:
    given = {service: environ[name] for service, name in DATABASE_VARIABLES.items() if environ.get(name)}
    missing = [name for service, name in DATABASE_VARIABLES.items() if service not in given]
    if given and missing:
        raise StackError(f"{', '.join(missing)} not set: give all of {', '.join(DATABASE_VARIABLES.values())} or none")
    return given


def _embedded(running: ExitStack, given: _Given, data_dir: Path, progress: Progress, fsync: bool, tls: bool) -> Stack:
    lock = running.enter_context(guarded(data_dir))
    kafka, postgres = None, None
    if not given.access:
        port = steady_port(data_dir / "kafka.port")
        kafka = Kafka(data_dir / "kafka", prepare_runtime(progress), port, keep_open=[lock], tls=tls)
    if not given.urls:
        port = steady_port(data_dir / "postgres.port")
        postgres = Postgres(data_dir / "postgres", port, fsync=fsync, keep_open=[lock])
    progress(f"starting {' and '.join(name for name, server in (('Kafka', kafka), ('Postgres', postgres)) if server)}")
    _start_together(running, [server for server in (kafka, postgres) if server is not None])
    access = kafka.access if kafka else given.access
    assert access is not None
    admin_url = postgres.admin_url if postgres else None
    return Stack(access, _databases(given, admin_url), admin_url, kafka, postgres)


def _start_together(running: ExitStack, servers: Sequence[Kafka | Postgres]) -> None:
    for server in servers:
        running.callback(server.stop)
    with ThreadPoolExecutor(len(servers)) as pool:
        for started in [pool.submit(server.start) for server in servers]:
            started.result()


def _in_docker(running: ExitStack, given: _Given, progress: Progress) -> Stack:
    from deploy.local import docker

    access, admin_url = given.access, None
    if access is None:
        progress("Kafka: starting a container")
        access = running.enter_context(docker.kafka())
    if not given.urls:
        progress("Postgres: starting a container")
        admin_url = running.enter_context(docker.postgres())
    return Stack(access, _databases(given, admin_url), admin_url)


def _databases(given: _Given, admin_url: str | None) -> dict[str, str]:
    return create_databases(admin_url) if admin_url else given.urls
