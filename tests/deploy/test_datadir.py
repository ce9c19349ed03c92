"""A launcher's directory is held by one launcher and by what it started, and by nobody after them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.datadir import InUse, guarded, is_abandoned


def test_a_second_launcher_is_refused(tmp_path: Path) -> None:
    """Also a second time: being refused does not take the first one's name off the guard."""
    with guarded(tmp_path):
        for _ in range(2):
            with pytest.raises(InUse, match="in use by another launcher"), guarded(tmp_path):
                pass


def test_it_is_held_until_the_launcher_lets_go(tmp_path: Path) -> None:
    with guarded(tmp_path):
        assert not is_abandoned(tmp_path)

    assert is_abandoned(tmp_path)


def test_what_the_launcher_started_holds_it_on(tmp_path: Path) -> None:
    """A server that is still stopping after its launcher has gone."""
    with guarded(tmp_path) as guard:
        server = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, pass_fds=[guard]
        )

    assert not is_abandoned(tmp_path)
    server.communicate(b"\n", timeout=20)
    assert is_abandoned(tmp_path)


def test_a_directory_that_was_never_held_is_not_abandoned(tmp_path: Path) -> None:
    """It may be anybody's."""
    with pytest.raises(FileNotFoundError):
        is_abandoned(tmp_path)
