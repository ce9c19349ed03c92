"""The released state of the contracts, read from git: the newest tag `v*` that leads to this commit.

Invariant: a folder that is no checkout of its own, or has no such tag, has released nothing; saying so is no fault.
"""

import io
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Final

_VERSION: Final = re.compile(r"v\d+(\.\d+)*", re.ASCII)


def newest_tag(repository: Path) -> str | None:
    """The highest version tag among those merged into HEAD; None without git, without a checkout or without tags."""
    if _git(repository, "rev-parse", "--show-toplevel").decode().strip() != str(repository.resolve()):
        # An unpacked archive inside somebody else's repository has nothing to do with the tags there.
        return None
    names = _git(repository, "tag", "--merged", "HEAD", "--list", "v*", "--sort=-v:refname").decode().split()
    return next((name for name in names if _VERSION.fullmatch(name)), None)


def unpack(repository: Path, tag: str, folder: str, target: Path) -> Path:
    """Writes a folder of the repository as it was at a tag, and returns where it is now; raises `OSError`."""
    if not _git(repository, "ls-tree", tag, "--", folder):
        return target / folder
    archive = _git(repository, "archive", "--format=tar", tag, "--", folder)
    if not archive:
        raise OSError(f"git cannot give {folder} as it was at {tag}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        # Written file by file: the filters of `extractall` are not in every Python 3.11.
        for member in filter(tarfile.TarInfo.isfile, tar):
            content = tar.extractfile(member)
            assert content is not None
            place = target / member.name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.read())
    return target / folder


def _git(repository: Path, *arguments: str) -> bytes:
    """What git prints; nothing where git is not there or says no."""
    try:
        done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=False)
    except OSError:
        return b""
    return done.stdout if done.returncode == 0 else b""
