"""Running the programs that come with Postgres, and telling how a server is.

Invariant: they see nothing in our environment that would steer them, and a failure carries their
own words.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

import psutil

_WITHIN = 120
_STATUS_LINE = 7  # of postmaster.pid


class PostgresFailed(Exception):
    """The server did not come up, or one of its tools failed."""


def run_tool(tool: Path, *arguments: str, user: str | None = None, password: str = "") -> None:
    """Run to the end, as `user` where the launcher is root."""
    done = subprocess.run(
        [str(tool), *arguments],
        env=postgres_environment() | {"PGPASSWORD": password},
        cwd="/",
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_WITHIN,
        check=False,
    )
    if done.returncode:
        raise PostgresFailed(f"{tool.name} failed:\n{done.stdout}{done.stderr}")


def postgres_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C"}


def server_status(cluster: Path) -> tuple[str, str] | None:
    """What the server says of itself, with its pid: the file of a killed server may still lie there."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    return (lines[0], lines[_STATUS_LINE].strip()) if len(lines) > _STATUS_LINE else None


def has_ended(process: psutil.Process) -> bool:
    """Ended, even if whoever inherited it has not taken note yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
