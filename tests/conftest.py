"""Fixtures for all tests: the stack, started once for a test process and only when a test asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from deploy.local.datadir import temporary_directory
from deploy.local.stack import CHOICE_VARIABLE, Stack, open_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Kafka and Postgres, embedded or in Docker where asked for.

    Not those that the environment names, as in a terminal that has read that of `make up`: tests make databases and
    topics of their own.
    """
    chosen = {name: value for name, value in os.environ.items() if name == CHOICE_VARIABLE}
    with temporary_directory() as data_dir, open_stack(data_dir, chosen, fsync=False) as running:
        yield running
