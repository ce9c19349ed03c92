"""Everything on one machine: the stack, what provisioning makes, and the services, for the length of a block.

Invariant: Ctrl-C, a termination signal, a closed terminal and an error all end in everything stopped, in order.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from deploy.broker_clients import party_access, service_environments
from deploy.environment import write_environment
from deploy.local.datadir import is_abandoned
from deploy.local.errors import CannotRun
from deploy.local.stack import DATABASE_VARIABLES, KAFKA_VARIABLE, Stack, open_stack
from deploy.provision import EXPECTED, in_a_line, provision
from deploy.services import SERVICES, Clock, Services, running
from services.chassis.base.access import KafkaAccess

Progress = Callable[[str], None]

_SWEPT: Final = "corridor-demo-"
_LOOK_EVERY: Final = 1.0
_CONTROL: Final = "corridor-control"


@dataclass(frozen=True, slots=True)
class Launched:
    """What runs: the stack, the services, and the parties' tokens."""

    stack: Stack
    services: Services
    tokens: dict[str, str]
    environment_file: Path

    def access_of(self, party: str) -> KafkaAccess:
        """How a party signs in to Kafka; raises `KeyError` for one that has no password here."""
        return party_access(self.environment_file.parent, self.stack.access, party)

    @property
    def dashboard(self) -> str:
        """The control room's address of the dashboard."""
        return f"{self.services.url('notifications')}/#token={quote(self.tokens[_CONTROL])}"


def _hint() -> str:
    """How to get servers of one's own, where the environment names others."""
    names = [name for name in (KAFKA_VARIABLE, *DATABASE_VARIABLES.values()) if os.environ.get(name)]
    return f"; to start servers here: unset {' '.join(names)}" if names else ""


@contextmanager
def launched(
    directory: Path,
    progress: Progress,
    services: Sequence[str] = SERVICES,
    *,
    copies: Mapping[str, int] | None = None,
    clock: Clock = "real",
    fsync: bool = True,
) -> Iterator[Launched]:
    """Starts everything in a directory of its own, one copy of each service or more; stops it when the block ends."""
    with open_stack(directory, progress=progress, fsync=fsync) as stack:
        tokens_file = directory / "tokens.json"
        progress("making topics, parties and tokens")
        tokens = _provisioned(stack, tokens_file)
        processes = Services(
            *(stack.environment(), directory / "logs", services),
            copies=copies,
            clock=clock,
            environments=_signed_in(directory, stack),
        )
        progress(f"starting {', '.join(services)}; their logs are in {directory / 'logs'}")
        with running(processes):
            file = write_environment(directory / "environment", stack.environment(), processes.endpoints, tokens_file)
            try:
                yield Launched(stack, processes, tokens, file)
            except TimeoutError:
                for text in processes.ended():
                    progress(text)
                raise
            progress("stopping")


def _provisioned(stack: Stack, tokens_file: Path) -> dict[str, str]:
    try:
        tokens = asyncio.run(provision(stack.access, stack.database_urls, tokens_file))
    except EXPECTED as failure:
        raise CannotRun(f"topics, parties and tokens cannot be made: {in_a_line(failure)}{_hint()}") from failure
    if _CONTROL not in tokens:
        raise CannotRun(f"the stores have tokens that are not in {tokens_file}: they belong to another directory")
    return tokens


def _signed_in(directory: Path, stack: Stack) -> dict[str, dict[str, str]]:
    try:
        return service_environments(directory, stack.access)
    except KeyError as failure:
        raise CannotRun(f"{directory} has no password of {failure.args[0]}: Kafka's users are of another") from None


@contextmanager
def disposable_directory() -> Iterator[Path]:
    """A directory that is removed at the end; those that a killed launcher has left are removed first."""
    _sweep()
    # Others may pass through, as Postgres's account must when root is the launcher.
    directory = Path(tempfile.mkdtemp(prefix=_SWEPT))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def watch_until_interrupt(services: Services, tell: Progress) -> None:
    """Returns never, and tells of each copy that ends by itself; Ctrl-C raises `KeyboardInterrupt`."""
    told: set[str] = set()
    while True:
        threading.Event().wait(_LOOK_EVERY)
        for text in services.ended():
            if text not in told:
                told.add(text)
                tell(text)


def _sweep() -> None:
    for directory in Path(tempfile.gettempdir()).glob(f"{_SWEPT}*"):
        with suppress(OSError):
            if directory.stat().st_uid == os.geteuid() and is_abandoned(directory):
                shutil.rmtree(directory, ignore_errors=True)
