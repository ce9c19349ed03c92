"""The servers of the shared stack, for tests that stop and kill them: those tests leave them running."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.datadir import temporary_directory
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.stack import Stack


@pytest.fixture
def kafka(stack: Stack) -> Iterator[Kafka]:
    if stack.kafka is None:
        pytest.skip("Kafka is given by the environment: not ours to stop")
    yield stack.kafka
    stack.kafka.start()


@pytest.fixture
def postgres(stack: Stack) -> Iterator[Postgres]:
    if stack.postgres is None:
        pytest.skip("Postgres is given by the environment: not ours to stop")
    yield stack.postgres
    stack.postgres.start()


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A directory that Postgres's account may enter when root runs the tests, unlike `tmp_path`."""
    with temporary_directory() as directory:
        yield directory
