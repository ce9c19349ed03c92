"""Runs the services as child processes on a leash, one or more copies of each.

Invariant: a copy that runs is stopped when its launcher is gone, however that ended; waiting for a copy is bounded,
and one that ends instead of becoming ready is told with its last words.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import httpx

from deploy.local.errors import CannotRun
from deploy.local.leash import Child, spawn
from deploy.local.ports import LOOPBACK, steady_port
from deploy.local.stack import DATABASE_VARIABLES

SERVICES: Final = ("tracking", "customs", "notifications")
ROOT: Final = Path(__file__).resolve().parents[1]

Clock = Literal["real", "stepped"]

_READY_WITHIN = 60.0
_STOP_WITHIN = 20.0
_LOOK_EVERY = 0.1
_SHOWN_LINES = 15


class ServiceFailed(CannotRun):
    """A copy ended, or was not ready in time."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a copy of a service answers."""

    service: str
    copy: str
    url: str


@dataclass(slots=True)
class _Copy:
    endpoint: Endpoint
    port: int
    log: Path
    command: tuple[str, ...]
    child: Child | None = None


class Services:
    """Copies of services, named `<service>-<n>`, each at the address that it had before with the same logs.

    `environment` is that of the stack; `environments` are what a service is given instead: addresses
    of servers, and how it signs in.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        logs: Path,
        services: Sequence[str] = SERVICES,
        *,
        copies: Mapping[str, int] | None = None,
        clock: Clock = "real",
        settings: Mapping[str, str] | None = None,
        environments: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._environment = environment
        self._clock = clock
        self._settings = dict(settings or {})
        self._environments = dict(environments or {})
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        counts = {service: (copies or {}).get(service, 1) for service in services}
        self._copies = {
            f"{service}-{number}": _copy(service, number, logs)
            for service, count in counts.items()
            for number in range(1, count + 1)
        }

    @property
    def endpoints(self) -> list[Endpoint]:
        """All copies, whether they run or not."""
        return [copy.endpoint for copy in self._copies.values()]

    def url(self, service: str) -> str:
        """The address of the first copy of a service; raises `StopIteration` where there is none."""
        return next(e.url for e in self.endpoints if e.service == service)

    def pid(self, name: str) -> int:
        """The process of a copy; an error when it was never started."""
        child = self._copies[name].child
        assert child is not None, f"{name} was not started"
        return child.pid

    def log(self, name: str) -> Path:
        return self._copies[name].log

    def run_as(self, name: str, *command: str) -> None:
        """What a copy runs from its next start on: arguments of the interpreter."""
        self._copies[name].command = command

    def launch(self, *names: str) -> None:
        """Starts these copies, or all, that do not run; waits for nothing."""
        for name in names or self._copies:
            copy = self._copies[name]
            if copy.child is None or copy.child.poll() is not None:
                copy.child = self._spawn(copy)

    def start(self, *names: str) -> None:
        """Starts these copies, or all, together; returns when each is ready."""
        self.launch(*names)
        for name in names or self._copies:
            _wait_ready(self._copies[name])

    def stop(self, *names: str) -> None:
        """Stops these copies, or all, in order: those first that read what others publish."""
        chosen = [self._copies[name] for name in names or reversed(list(self._copies))]
        children = [copy.child for copy in chosen if copy.child is not None]
        for child in children:
            child.terminate()
        for child in children:
            child.stop(_STOP_WITHIN)

    def kill(self, name: str) -> None:
        """SIGKILL, and waits until the process is gone."""
        child = self._copies[name].child
        if child is not None:
            child.kill()
            child.wait(_STOP_WITHIN)

    def signal(self, name: str, number: int) -> None:
        """Sends a signal to a copy, if it runs."""
        child = self._copies[name].child
        if child is not None:
            child.signal(number)

    def exit_code(self, name: str) -> int | None:
        """How a copy has ended; None while it runs, and before it was started."""
        child = self._copies[name].child
        return None if child is None else child.poll()

    def restart(self, name: str) -> None:
        """Stops a copy, if it runs, and starts it again at the same address."""
        self.stop(name)
        self.start(name)

    def ended(self) -> list[str]:
        """What copies that have ended by themselves said last; one text for each."""
        texts = []
        for name, copy in self._copies.items():
            if copy.child is not None and (code := copy.child.poll()) is not None:
                texts.append(f"{name} ended with {code}:\n{_last_words(copy.child)}")
        return texts

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a copy's process."""
        copy = self._copies[name]
        own = DATABASE_VARIABLES[copy.endpoint.service]
        servers = {**self._environment, **self._environments.get(copy.endpoint.service, {})}
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(ROOT),
            **{name: value for name, value in servers.items() if name.startswith("KAFKA_")},
            own: servers[own],
            "HTTP_PORT": str(copy.port),
            "COPY_NAME": name,
            "CLOCK": self._clock,
            **self._settings,
        }

    def _spawn(self, copy: _Copy) -> Child:
        environ = self.environment(copy.endpoint.copy)
        return spawn([sys.executable, *copy.command], environ, copy.log, grace=_STOP_WITHIN)


@contextmanager
def running(services: Services) -> Iterator[Services]:
    """The services for the length of the block."""
    try:
        services.start()
        yield services
    finally:
        services.stop()


def _copy(service: str, number: int, logs: Path) -> _Copy:
    name = f"{service}-{number}"
    port = steady_port(logs / f"{name}.port")
    endpoint = Endpoint(service, name, f"http://{LOOPBACK}:{port}")
    return _Copy(endpoint, port, logs / f"{name}.log", ("-m", f"services.{service}"))


def _wait_ready(copy: _Copy) -> None:
    assert copy.child is not None
    name, deadline = copy.endpoint.copy, time.monotonic() + _READY_WITHIN
    while not _is_ready(copy.endpoint.url):
        if (code := copy.child.poll()) is not None:
            raise ServiceFailed(f"{name} ended with {code}:\n{_last_words(copy.child)}")
        if time.monotonic() > deadline:
            raise ServiceFailed(f"{name} is not ready after {_READY_WITHIN:g} s:\n{_last_words(copy.child)}")
        time.sleep(_LOOK_EVERY)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _last_words(child: Child) -> str:
    return "\n".join(child.said()[-_SHOWN_LINES:])
