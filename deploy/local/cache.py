"""Where downloaded and derived files are kept between runs, one place per user.

Invariant: a file appears in the cache complete or not at all, so that two processes may fill it at
once.
"""

from __future__ import annotations

import fcntl
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The cache of this user, made if it is missing."""
    directory = _location(environ)
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _location(environ: Mapping[str, str]) -> Path:
    if chosen := environ.get("CORRIDOR_CACHE"):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "corridor"
    if shared := environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "corridor"
    return Path.home() / ".cache" / "corridor"


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A scratch path that becomes `target` when the block ends well and is removed when it does not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    os.close(handle)
    scratch = Path(name)
    try:
        yield scratch
        scratch.chmod(0o644)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def exclusive(lock_file: Path) -> Iterator[None]:
    """Wait for the lock and hold it; the kernel frees it when the holder's process ends."""
    with lock_file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
