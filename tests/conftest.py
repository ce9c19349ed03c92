"""Fixtures for all tests: the stack, started once for a test process and only when a test asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from deploy.local.datadir import temporary_directory
from deploy.local.stack import DATABASE_VARIABLES, KAFKA_VARIABLE, Stack, open_stack

_UNSET = f"unset {KAFKA_VARIABLE} {' '.join(DATABASE_VARIABLES.values())}"


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Kafka and Postgres, embedded or in Docker; Kafka may be that of the environment."""
    with temporary_directory() as data_dir, open_stack(data_dir, os.environ, fsync=False) as running:
        if running.admin_url is None:
            # As in a terminal that has read the environment of `make up`.
            pytest.exit(f"tests make databases of their own, and cannot where the environment names some: {_UNSET}", 2)
        yield running
