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

from deploy.local.errors import CannotRun
from deploy.local.waiting import has_ended

_WITHIN = 120
_STATUS_LINE = 7  # of postmaster.pid


class PostgresFailed(CannotRun):
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


def server_status(cluster: Path) -> tuple[int, str] | None:
    """The process that serves the directory and how it says it is; also after it was killed."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    return (int(lines[0]), lines[_STATUS_LINE].strip()) if len(lines) > _STATUS_LINE else None


def forget_dead_server(cluster: Path) -> None:
    """Remove the pid file of a killed server, which Postgres would believe wherever the number is in use:
    by a stranger, or by the server itself where nothing takes note of ended processes."""
    status = server_status(cluster)
    if status and not _is_server(status[0]):
        (cluster / "postmaster.pid").unlink()


def _is_server(pid: int) -> bool:
    try:
        return not has_ended(pid) and psutil.Process(pid).name() == "postgres"
    except psutil.NoSuchProcess:
        return False
