"""Fixtures of this folder: the stores of the three services."""

from __future__ import annotations

from tests.support.fixtures import line_fixture

shared_line = line_fixture("module")
