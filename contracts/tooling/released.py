"""The released states of the contracts: each a folder `released/v<numbers>/` with the published documents.

Invariant: a released folder is written once and never again; the highest version is what everything is compared with.
"""

import re
import shutil
from pathlib import Path
from typing import Final

RELEASED: Final = "released"
PUBLISHED: Final = ("schemas", "examples", "asyncapi", "corridor/data")
"""The folders that others build against."""
_VERSION: Final = re.compile(r"v\d+(\.\d+)*", re.ASCII)


def newest_release(directory: Path) -> Path | None:
    """The folder of the highest version that a contracts folder has released; None where there is none."""
    folder = directory / RELEASED
    found = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return max((path for path in found if _VERSION.fullmatch(path.name)), key=_numbers, default=None)


def release(directory: Path, version: str) -> Path:
    """Writes the published documents down as a release, and returns its folder.

    Raises `ValueError` for a version that is no `v1.2.3` or not above the newest one.
    """
    target, newest = directory / RELEASED / version, newest_release(directory)
    if not _VERSION.fullmatch(version):
        raise ValueError(f"{version} is no version such as v1.2.3")
    if newest is not None and _numbers(target) <= _numbers(newest):
        raise ValueError(f"{version} is not above {newest.name}")
    for folder in PUBLISHED:
        shutil.copytree(directory / folder, target / folder)
    return target


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in path.name[1:].split(".")]
