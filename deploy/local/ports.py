"""Choosing and probing loopback ports.

Invariant: a chosen port lies below the range that systems use for outgoing connections, so that a
client which keeps dialling a server that is down cannot occupy the server's port (or connect to
itself). No process is given a port twice: it may not be bound yet.
"""

from __future__ import annotations

import itertools
import os
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
_RANGE = range(20_000, 32_000)
# The golden section of the range, with no factor of its length: a place for each process to begin at, far from those of
# the ones before it and after it.
_APART = 7417


def _first(pid: int) -> int:
    """How far into the range a process begins to look."""
    return pid * _APART % len(_RANGE)


_ports = itertools.islice(itertools.cycle(_RANGE), _first(os.getpid()), None)
# Those that were given, and the note in which each stands, if any: who reads the note again may have it again.
_given: dict[int, Path | None] = {}


def free_port() -> int:
    """A port that nobody listens at; raises `OSError` when there is none."""
    for port in itertools.islice(_ports, len(_RANGE)):
        if port not in _given and _can_bind(port):
            _given[port] = None
            return port
    raise OSError(f"no free port found between {_RANGE.start} and {_RANGE.stop}")


def steady_port(note: Path) -> int:
    """The port noted in this file while it is free, so that addresses stay good; else a new one, noted."""
    noted = note.read_text().strip() if note.exists() else ""
    if noted.isdigit() and _given.get(int(noted), note) == note and _can_bind(int(noted)):
        port = int(noted)
    else:
        port = free_port()
    _given[port] = note
    note.write_text(f"{port}\n")
    return port


def is_open(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
