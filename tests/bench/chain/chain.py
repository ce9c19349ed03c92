"""A chain that runs: three services on their servers, with all that the driver has to know of them.

Invariant: the driver treats every chain alike. It looks at processes, stores and topics from outside, and asks no
service anything.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from contracts import topics
from contracts.topics import SERVICES, Topic
from tests.bench.chain.servers import Servers

VIEWER: Final = "corridor-control"
"""The party that sees everything: what it is told ends a latency."""
READS: Final[Mapping[str, tuple[Topic, ...]]] = {
    service: tuple(row for row in topics.TABLE if service in row.readers) for service in SERVICES
}
"""The topics that each service reads."""


@dataclass(frozen=True, slots=True)
class Chain:
    """`pids` are the services' processes; `queues` say, for each service, what counts the rows that wait in it.

    `newest` asks the last store for the number of the viewer's newest item, behind which its stream is read.
    """

    name: str
    servers: Servers
    pids: Mapping[str, int]
    queues: Mapping[str, Mapping[str, str]]
    stream: str
    stream_headers: Mapping[str, str]
    newest: str

    @contextmanager
    def held(self) -> Iterator[None]:
        """No service does anything for the length of the block, which is shorter than a session in Kafka."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.pids.values():
            os.kill(pid, number)
