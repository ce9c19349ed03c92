"""Files that are nobody else's business.

Invariant: a file with secrets is its owner's alone from its first byte on, and is never there in part.
"""

from __future__ import annotations

import os
from pathlib import Path


def keep_private() -> None:
    """Has everything that this process makes from now on be its owner's alone."""
    os.umask(0o077)


def write_private(file: Path, text: str) -> None:
    """Writes the file, or replaces it."""
    fresh = file.with_name(file.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    fresh.replace(file)
