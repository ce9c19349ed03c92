"""Where downloaded and derived files are kept between runs, one place per user.

Invariant: everything in it can be fetched or made again; whoever writes there makes a file appear complete or not at
all, and holds a lock beside it while doing so.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_dir() -> Path:
    """The cache of this user, made if it is missing: `$CORRIDOR_CACHE`, or where the system keeps such files."""
    chosen = os.environ.get("CORRIDOR_CACHE")
    directory = Path(chosen).expanduser().absolute() if chosen else user_cache_path("corridor")
    directory.mkdir(parents=True, exist_ok=True)
    return directory
