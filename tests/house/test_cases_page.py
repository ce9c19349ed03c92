"""The page of what may follow on what in a customs case is that of the table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.customs.domain import transitions
from tests.house import cases


def test_the_page_is_what_the_command_writes() -> None:
    assert cases.PAGE.read_text(encoding="utf-8") == cases.page(), "say python -m corridor cases"


def test_the_command_writes_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cases, "PAGE", tmp_path / "cases.md")

    assert cases.main([]) == 0
    assert (tmp_path / "cases.md").read_text(encoding="utf-8") == cases.page()


def test_another_table_makes_another_page(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cases.page()

    def fewer(procedure: str) -> Iterator[transitions.Row]:
        return (row for row in transitions.rows(procedure) if row.trigger != "seize")

    monkeypatch.setattr(cases, "rows", fewer)
    assert cases.page() != before
