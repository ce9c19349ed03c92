"""A launcher's directory: made, opened to Postgres's account where needed, and guarded.

Invariant: at most one launcher, with all it started, uses a directory. The guard is a lock that the
kernel lets go with the last process that holds it, so nothing stale can stand in the way.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filelock import lock_descriptor

from deploy.local.errors import CannotRun
from deploy.local.unprivileged import make_directory
from deploy.local.waiting import has_ended, wait_until

_LOCK = "launcher.lock"
_PREDECESSOR_ENDS_WITHIN = 45


class InUse(CannotRun):
    """Another launcher works on this directory."""


@contextmanager
def guarded(directory: Path) -> Iterator[int]:
    """Hold the directory; yields the locked descriptor, for every process to hold that uses the directory."""
    make_directory(directory)
    with (directory / _LOCK).open("a+") as file:
        _take(directory, file)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield file.fileno()


def is_abandoned(directory: Path) -> bool:
    """Whether neither a launcher nor a server that it started holds it. Raises `OSError` where none ever did."""
    with (directory / _LOCK).open("r+") as file:
        return _locked(file)


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """A directory that is removed at the end; others may enter it, as Postgres's account must."""
    with tempfile.TemporaryDirectory(prefix="corridor-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        yield directory


def _take(directory: Path, file: IO[str]) -> None:
    """Refuse while the other launcher lives; wait while only what it left is still stopping."""
    if _locked(file):
        return
    file.seek(0)
    holder = file.read().strip()
    if holder.isdigit() and not has_ended(int(holder)):
        raise InUse(f"{directory} is in use by another launcher (process {holder})")
    wait_until(lambda: _locked(file), _PREDECESSOR_ENDS_WITHIN, f"the end of the servers that used {directory}")


def _locked(file: IO[str]) -> bool:
    return lock_descriptor(file.fileno(), blocking=False)
