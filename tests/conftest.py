"""Fixtures for all tests: the stack, started once for a test process and only when a test asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from deploy.local.datadir import temporary_directory
from deploy.local.stack import Stack, open_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Kafka and Postgres: those of the environment where it names any, embedded otherwise."""
    with temporary_directory() as data_dir, open_stack(data_dir, os.environ, fsync=False) as running:
        yield running
