"""Watching processes from outside, for tests that stop or kill a launcher."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from deploy.local.waiting import has_ended, wait_until

ROOT = Path(__file__).resolve().parents[2]


def wait_until_gone(*pids: int, within: float = 20) -> None:
    wait_until(lambda: all(map(has_ended, pids)), within, f"the end of {pids}")


def python(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """A Python of its own, in the project and in its own process group, with both outputs to read."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=None if environ is None else dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def descendants(pid: int) -> list[int]:
    return [process.pid for process in psutil.Process(pid).children(recursive=True)]
