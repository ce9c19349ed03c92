"""The CPU time of a chain by process, from /proc.

Invariant: what is counted is every process of the chain with all its children, also those that have ended, and nothing
of the driver: not its own process, and not its sessions in Postgres.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import psutil

from tests.bench.chain.chain import Chain

_TICK: Final = os.sysconf("SC_CLK_TCK")
# What Postgres calls the process of a session: role, database, address.
_SESSION: Final = re.compile(rb"postgres: (\S+) \S+ [\d.]+\(\d+\)")
_ADMIN: Final = "postgres"
POSTGRES: Final = "postgres"
"""What of Postgres belongs to no session that is still open: writers, checkpoints, vacuum, closed sessions."""

Seconds = Mapping[str, float]


def cpu_of(chain: Chain) -> Seconds:
    """CPU seconds up to now: each service, its sessions in Postgres as `<service>'s postgres`, and the broker."""
    found = {service: _tree(pid) for service, pid in chain.pids.items()}
    found |= {f"{service}'s postgres": 0.0 for service in chain.pids}
    total, driver = _tree(chain.servers.postgres.pid), 0.0
    for role, seconds in _sessions(chain.servers.postgres.pid):
        if role == _ADMIN:
            driver += seconds
        elif (name := f"{role}'s postgres") in found:
            found[name] += seconds
    ours = sum(seconds for name, seconds in found.items() if name.endswith(POSTGRES))
    return found | {POSTGRES: total - ours - driver, "broker": _tree(chain.servers.kafka.pid)}


def between(before: Seconds, after: Seconds) -> dict[str, float]:
    """What was used from one reading to the other; a session that has ended meanwhile goes over to Postgres's own."""
    return {name: seconds - before[name] for name, seconds in after.items()}


def _sessions(postmaster: int) -> Iterator[tuple[str, float]]:
    for child in psutil.Process(postmaster).children():
        try:
            title = Path(f"/proc/{child.pid}/cmdline").read_bytes()
            if named := _SESSION.match(title):
                yield named[1].decode(), _own(child.pid)[0]
        except (FileNotFoundError, ProcessLookupError):
            continue  # its time is with its parent from now on


def _tree(pid: int) -> float:
    """CPU seconds of a process and its descendants, those that ended included."""
    living = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    return sum(sum(_own(one)) for one in living)


def _own(pid: int) -> tuple[float, float]:
    """CPU seconds of a process, and those of its children that it has waited for; nothing once it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0, 0.0
    utime, stime, cutime, cstime = (int(value) / _TICK for value in fields[11:15])
    return utime + stime, cutime + cstime
