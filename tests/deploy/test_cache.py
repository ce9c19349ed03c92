"""Where the cache is: where one says, else where the system keeps such files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deploy.local.cache import cache_dir


def test_the_variable_names_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made where it is missing."""
    monkeypatch.setenv("CORRIDOR_CACHE", str(tmp_path / "on" / "another-disk"))

    assert cache_dir() == tmp_path / "on" / "another-disk"
    assert cache_dir().is_dir()


def test_a_place_in_the_home_directory_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CORRIDOR_CACHE", "~/kept")

    assert cache_dir() == tmp_path / "kept"


@pytest.mark.skipif(sys.platform != "linux", reason="a convention of Linux")
def test_otherwise_it_is_where_the_system_keeps_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CORRIDOR_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    assert cache_dir() == tmp_path / ".cache" / "corridor"

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))

    assert cache_dir() == tmp_path / "caches" / "corridor"
