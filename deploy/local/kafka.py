"""One real Kafka broker (KRaft, controller included) on a data directory.

Invariant: `start` returns when the broker answers, or raises with the end of its log; records, port, users and their
rights outlive `stop`, `kill` and `restart`. The administrator's password is in files that only their owner can read.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.local.certificates import authority_file, server_keys
from deploy.local.errors import CannotRun
from deploy.local.java import Runtime, java_environment
from deploy.local.kafka_settings import ADMIN, SETTINGS, Door, as_properties, listeners
from deploy.local.leash import Child, spawn
from deploy.local.ports import LOOPBACK, free_port, is_open
from deploy.local.waiting import wait_until
from deploy.private import write_private
from services.chassis.base.access import MECHANISM, KafkaAccess
from services.chassis.base.parties import new_token

_START_WITHIN = 60
_STOP_WITHIN = 20
_FORMAT_WITHIN = 60
_SHOWN_LINES = 25


class KafkaFailed(CannotRun):
    """The broker did not come up."""


class Kafka:
    """`doors` are further listeners by name, each with the port on which clients are told to find it."""

    def __init__(
        self,
        data_dir: Path,
        runtime: Runtime,
        port: int | None = None,
        *,
        java_options: Sequence[str] = (),
        keep_open: Sequence[int] = (),
        doors: Mapping[str, Door] | None = None,
        tls: bool = False,
    ) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.log = data_dir / "kafka.log"
        self._controller_port = free_port()
        self._runtime = runtime
        self._java_options = java_options
        self._keep_open = keep_open
        self._doors = dict(doors or {})
        self._tls = tls
        self._child: Child | None = None

    @property
    def bootstrap_servers(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def access(self) -> KafkaAccess:
        """How the administrator signs in, once the broker was started for the first time."""
        authority = str(authority_file(self.data_dir)) if self._tls else None
        return KafkaAccess(
            self.bootstrap_servers,
            "sasl_ssl" if self._tls else "sasl_plaintext",
            ADMIN,
            self._password_file.read_text(encoding="utf-8").strip(),
            authority,
        )

    @property
    def pid(self) -> int:
        """The broker's process; an error when it was never started."""
        assert self._child is not None, "Kafka was not started"
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        if self.running:
            return
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir.chmod(0o700)
        self._make_password()
        keys = server_keys(self.data_dir) if self._tls else None
        addresses = listeners(self.port, self._controller_port, self._doors, self.access.password, keys)
        settings = {**SETTINGS, **addresses, "log.dirs": self._log_dir}
        write_private(self._properties, as_properties(settings))
        self._format_once()
        command = self._runtime.command("kafka.Kafka", str(self._properties), options=self._java_options)
        self._child = spawn(command, java_environment(), self.log, keep_open=self._keep_open, grace=_STOP_WITHIN)
        try:
            wait_until(self._answers, _START_WITHIN, f"Kafka on {self.bootstrap_servers}")
        except BaseException:
            self.kill()
            raise

    def stop(self, within: float = _STOP_WITHIN) -> None:
        """Stop in good order; killed when it takes longer than `within` seconds."""
        if self._child is not None:
            self._child.stop(within)

    def kill(self) -> None:
        """SIGKILL, as a power cut would, and wait until the process is gone."""
        if self._child is not None:
            self._child.kill()
            self._child.wait(_STOP_WITHIN)

    def restart(self) -> None:
        self.stop()
        self.start()

    def complaint(self) -> str:
        """The first error the broker has logged since its start and what follows it, else its last words."""
        said = self._child.said() if self._child else []
        first = next((number for number, line in enumerate(said) if " ERROR " in line), -_SHOWN_LINES)
        return "\n".join(said[first:][:_SHOWN_LINES])

    def __enter__(self) -> Kafka:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _log_dir(self) -> Path:
        return self.data_dir / "records"

    @property
    def _properties(self) -> Path:
        return self.data_dir / "server.properties"

    @property
    def _password_file(self) -> Path:
        return self.data_dir / "admin.password"

    def _make_password(self) -> None:
        if not self._password_file.exists():
            if (self.data_dir / "formatted").exists():
                raise KafkaFailed(f"{self.data_dir} has no users: it is of an earlier version, or lacks admin.password")
            write_private(self._password_file, new_token() + "\n")

    def _format_once(self) -> None:
        done = self.data_dir / "formatted"
        if not done.exists():
            shutil.rmtree(self._log_dir, ignore_errors=True)  # left by a format that was cut short
            self._format()
            done.touch()

    def _format(self) -> None:
        administrator = f"{MECHANISM}=[name={ADMIN},password={self.access.password}]"
        arguments = ("format", "--cluster-id", _new_cluster_id(), "--config", self._properties, "--add-scram")
        # From a file, since everybody may read the list of processes.
        file = self.data_dir / "format.arguments"
        write_private(file, "".join(f"{one}\n" for one in (*arguments, administrator)))
        done = subprocess.run(
            self._runtime.command("kafka.tools.StorageTool", f"@{file}"),
            env=java_environment(),
            capture_output=True,
            text=True,
            timeout=_FORMAT_WITHIN,
            check=False,
        )
        file.unlink()
        if done.returncode:
            raise KafkaFailed(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")

    def _answers(self) -> bool:
        assert self._child is not None
        if (code := self._child.poll()) is not None:
            raise KafkaFailed(f"Kafka ended with {code}; from {self.log}:\n{self.complaint()}")
        return is_open(self.port) and answers(self.access)


def _new_cluster_id() -> str:
    # The first bit is cleared so that the id never begins with "-" and is taken for an option.
    raw = uuid.uuid4().bytes
    return base64.urlsafe_b64encode(bytes([raw[0] & 0x7F]) + raw[1:]).decode().rstrip("=")


def answers(access: KafkaAccess) -> bool:
    """Whether the broker lets the administrator in, answers a metadata request and counts itself in."""
    client = AdminClient(access.config() | {"log_level": 0, "socket.timeout.ms": 2000}, logger=None)
    with suppress(KafkaException):
        return bool(client.list_topics(timeout=2).brokers)
    return False
