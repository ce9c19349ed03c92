"""How fast the machine itself is, so that figures of two days can be told apart.

Invariant: two fixed loops that no change of the product touches.
"""

from __future__ import annotations

import time
from typing import Final

import asyncpg

_SECONDS: Final = 1.0
_CHUNK: Final = 100_000


def python_speed() -> float:
    """Additions a second of a plain loop."""
    begun, done = time.perf_counter(), 0
    while time.perf_counter() - begun < _SECONDS:
        total = 0
        for number in range(_CHUNK):
            total += number
        done += _CHUNK
    return done / (time.perf_counter() - begun)


async def postgres_speed(url: str) -> float:
    """Transactions a second of one session, each an update of one row that waits for the disk."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS machine_speed (n bigint)")
        await connection.execute("INSERT INTO machine_speed VALUES (0)")
        begun, done = time.perf_counter(), 0
        while time.perf_counter() - begun < _SECONDS:
            await connection.execute("UPDATE machine_speed SET n = n + 1")
            done += 1
        taken = time.perf_counter() - begun
        await connection.execute("DROP TABLE machine_speed")
    finally:
        await connection.close()
    return done / taken
