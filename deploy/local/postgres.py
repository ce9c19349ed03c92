"""One real Postgres server on a data directory.

Invariant: `start` returns when the server accepts queries, or raises with the end of its log; rows,
port and password outlive `stop`, `kill` and `restart`, and a copy put back is the database as it
was when the copy was taken.
"""

from __future__ import annotations

import secrets
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

from deploy.local.leash import Child, spawn
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.postgres_tools import (
    PostgresFailed,
    forget_dead_server,
    postgres_environment,
    run_tool,
    server_status,
)
from deploy.local.unprivileged import (
    adopt_tree,
    give_directory,
    give_tree,
    make_directory,
    postgres_account,
    postgres_binaries,
)
from deploy.local.waiting import has_ended, wait_until

_START_WITHIN = 60
_STOP_WITHIN = 20
_TAIL_LINES = 25
_ADMIN = "postgres"
# A killed server's sessions may hold its memory for a moment; the next server then refuses to start.
_NOT_YET = "shared memory block"


class Postgres:
    """`settings` go before ours; small segments of the write-ahead log let a file-size limit be small as well."""

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        fsync: bool = True,
        keep_open: Sequence[int] = (),
        settings: Mapping[str, str | int] | None = None,
        wal_segment_mb: int = 16,
    ) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.log = data_dir / "postgres.log"
        self._fsync = fsync
        self._keep_open = keep_open
        self._settings = dict(settings or {})
        self._wal_segment_mb = wal_segment_mb
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
        if not self._cluster.exists():
            self._initialise()
        adopt_tree(self._cluster)
        forget_dead_server(self._cluster)
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
        wait_until(
            lambda: all(has_ended(session.pid) for session in sessions),
            _STOP_WITHIN,
            "the end of Postgres's sessions",
        )

    def restart(self) -> None:
        self.stop()
        self.start()

    def base_copy(self, target: Path) -> Path:
        """Copy the running database to `target`, consistent as of the end of the call."""
        where = ("--host", LOOPBACK, "--port", str(self.port), "--username", _ADMIN, "--no-password")
        how = ("--checkpoint=fast", "--wal-method=stream", "--no-sync")
        tool, password = self._binaries / "pg_basebackup", self._password_file.read_text().strip()
        run_tool(tool, *where, *how, "--pgdata", str(target), password=password)
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
        make_directory(self.data_dir)
        fresh = self.data_dir / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)  # left by an initdb that was cut short
        give_directory(fresh)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(f"{secrets.token_hex(16)}\n")
        give_tree(self._password_file)
        locale = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        access = ("--auth=scram-sha-256", f"--username={_ADMIN}", f"--pwfile={self._password_file}")
        sync = () if self._fsync else ("--no-sync",)
        where = ("--pgdata", str(fresh), f"--wal-segsize={self._wal_segment_mb}")
        run_tool(self._binaries / "initdb", *locale, *access, *sync, *where, user=postgres_account())
        fresh.rename(self._cluster)

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
            **self._settings,
        }
        flags = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        self._child = spawn(
            [str(self._binaries / "postgres"), "-D", str(self._cluster), *flags],
            postgres_environment(),
            self.log,
            postgres_account(),
            stop_signal=signal.SIGINT,
            grace=_STOP_WITHIN,
            keep_open=self._keep_open,
        )

    def _accepts(self) -> bool:
        assert self._child is not None
        if (code := self._child.poll()) is not None:
            said = "\n".join(self._child.said()[-_TAIL_LINES:])
            if _NOT_YET not in said:
                raise PostgresFailed(f"Postgres ended with {code}; the end of {self.log}:\n{said}")
            self._spawn()
        return server_status(self._cluster) == (self._child.pid, "ready")
