"""One real Postgres server on a data directory.

Invariant: `start` returns when the server accepts queries, or raises with the end of its log; rows,
port and password outlive `stop`, `kill` and `restart`, and a copy put back is the database as it
was when the copy was taken.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

from deploy.local.leash import Child, spawn
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.unprivileged import give_directory, give_tree, postgres_account, postgres_binaries
from deploy.local.waiting import wait_until

_START_WITHIN = 60
_STOP_WITHIN = 20
_TOOL_WITHIN = 120
_TAIL_LINES = 25
_ADMIN = "postgres"
_STATUS_LINE = 7  # of postmaster.pid
# A killed server's sessions may hold its memory for a moment; the next server then refuses to start.
_NOT_YET = "shared memory block"


class PostgresFailed(Exception):
    """The server did not come up, or one of its tools failed."""


class Postgres:
    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        fsync: bool = True,
        keep_open: Sequence[int] = (),
    ) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.log = data_dir / "postgres.log"
        self._fsync = fsync
        self._keep_open = keep_open
        self._child: Child | None = None
        self._binaries = postgres_binaries()

    @property
    def admin_url(self) -> str:
        password = self._password_file.read_text().strip()
        return f"postgresql://{_ADMIN}:{password}@{LOOPBACK}:{self.port}/postgres"

    @property
    def pid(self) -> int:
        """The server's main process; an error when it was never started."""
        assert self._child is not None, "Postgres was not started"
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        if self.running:
            return
        if not (self._cluster / "PG_VERSION").exists():
            self._initialise()
        self._spawn()
        try:
            wait_until(self._accepts, _START_WITHIN, f"Postgres on port {self.port}")
        except BaseException:
            self.kill()
            raise

    def stop(self, within: float = _STOP_WITHIN) -> None:
        """Stop in good order, whoever is connected; killed when it takes longer than `within` seconds."""
        if self._child is not None:
            self._child.stop(within)

    def kill(self) -> None:
        """SIGKILL to the server and all its sessions, as a power cut would, and wait until they are gone."""
        if self._child is None or self._child.poll() is not None:
            return
        sessions = psutil.Process(self._child.pid).children(recursive=True)
        self._child.kill()
        for session in sessions:
            with suppress(psutil.NoSuchProcess):
                session.kill()
        self._child.wait(_STOP_WITHIN)
        wait_until(lambda: all(map(_is_gone, sessions)), _STOP_WITHIN, "the end of Postgres's sessions")

    def restart(self) -> None:
        self.stop()
        self.start()

    def base_copy(self, target: Path) -> Path:
        """Copy the running database to `target`, consistent as of the end of the call."""
        where = ("--host", LOOPBACK, "--port", str(self.port), "--username", _ADMIN, "--no-password")
        how = ("--checkpoint=fast", "--wal-method=stream", "--no-sync")
        self._run("pg_basebackup", *where, *how, "--pgdata", str(target), password=self._password_file)
        return target

    def restore(self, copy: Path) -> None:
        """Put a copy back and serve it on the same port; the copy itself stays as it is."""
        self.kill()
        shutil.rmtree(self._cluster)
        shutil.copytree(copy, self._cluster, symlinks=True)
        self._cluster.chmod(0o700)
        give_tree(self._cluster)
        self.start()

    def __enter__(self) -> Postgres:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _cluster(self) -> Path:
        return self.data_dir / "cluster"

    @property
    def _password_file(self) -> Path:
        return self.data_dir / "password"

    def _initialise(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._cluster, ignore_errors=True)  # left by an initdb that was cut short
        give_directory(self._cluster)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(f"{secrets.token_hex(16)}\n")
        give_tree(self._password_file)
        locale = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        access = ("--auth=scram-sha-256", f"--username={_ADMIN}", f"--pwfile={self._password_file}")
        sync = () if self._fsync else ("--no-sync",)
        self._run("initdb", *locale, *access, *sync, "--pgdata", str(self._cluster), user=postgres_account())

    def _spawn(self) -> None:
        settings = {
            "port": self.port,
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",  # their paths may not be long, and TCP is what services use
            "fsync": "on" if self._fsync else "off",
            "full_page_writes": "on" if self._fsync else "off",
            "max_connections": 200,
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        flags = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        self._child = spawn(
            [str(self._binaries / "postgres"), "-D", str(self._cluster), *flags],
            _environment(),
            self.log,
            postgres_account(),
            stop_signal=signal.SIGINT,
            grace=_STOP_WITHIN,
            keep_open=self._keep_open,
        )

    def _accepts(self) -> bool:
        assert self._child is not None
        code = self._child.poll()
        if code is not None and _NOT_YET in self._tail():
            self._spawn()
        elif code is not None:
            raise PostgresFailed(
                f"Postgres ended with {code} while starting; the end of {self.log}:\n{self._tail()}"
            )
        return self._status() == (str(self._child.pid), "ready")

    def _status(self) -> tuple[str, str] | None:
        """What the server says of itself and its pid: the file of a killed server may still lie there."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        return (lines[0], lines[_STATUS_LINE].strip()) if len(lines) > _STATUS_LINE else None

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])

    def _run(self, tool: str, *arguments: str, user: str | None = None, password: Path | None = None) -> None:
        secret = {"PGPASSWORD": password.read_text().strip()} if password else {}
        done = subprocess.run(
            [str(self._binaries / tool), *arguments],
            env=_environment() | secret,
            cwd="/",
            user=user,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TOOL_WITHIN,
            check=False,
        )
        if done.returncode:
            raise PostgresFailed(f"{tool} failed:\n{done.stdout}{done.stderr}")


def _is_gone(process: psutil.Process) -> bool:
    """Ended, even if whoever inherited it has not taken note yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _environment() -> dict[str, str]:
    """Ours without anything that would steer Postgres."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C"}
