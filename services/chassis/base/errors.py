"""Which failures are transient and which are bugs.

Invariant: SQLSTATE, exception type and aiokafka's `retriable` decide, never a message text.
"""

import asyncio
import logging

import asyncpg
from aiokafka.errors import KafkaError

# 08 connection, 40 rollback (serialization, deadlock), 53 resources, 57 operator intervention, 58 system error,
# XX internal, which Postgres also reports when a quota or a file size limit is reached.
_PASSING_CLASSES = ("08", "40", "53", "57", "58", "XX")
# lock_not_available, idle_in_transaction_session_timeout, transaction_timeout, read_only_sql_transaction
_PASSING_STATES = ("55P03", "25P03", "25P04", "25006")

# data_corrupted, index_corrupted
_CORRUPT = ("XX001", "XX002")


class SettingsError(Exception):
    """A setting is missing or wrong; the text is the one line to print."""


class NameTaken(Exception):
    """Another live process has this copy's name."""


class OtherCluster(Exception):
    """The store belongs to another Kafka cluster."""


class Fenced(Exception):
    """The stored position is not the one that this copy last read or wrote, so another copy has read the partition."""


def is_transient(failure: BaseException) -> bool:
    """Whether the failure is transient: the database or the broker is away, or a transaction lost a race."""
    if isinstance(failure, asyncpg.PostgresError):
        state = failure.sqlstate or ""
        return state[:2] in _PASSING_CLASSES or state in _PASSING_STATES
    if isinstance(failure, KafkaError):
        return bool(failure.retriable)
    # A ValueError from the driver means bad input, which retrying cannot fix.
    if isinstance(failure, asyncpg.InterfaceError):
        return not isinstance(failure, ValueError)
    # The server has announced the end of the session and not closed it yet; the driver has no state for that.
    if isinstance(failure, asyncpg.InternalClientError):
        return True
    return isinstance(failure, (asyncio.TimeoutError, TimeoutError, OSError))


def log_level(failure: BaseException) -> int:
    """The log level of a transient failure: critical for damaged data, which no retry repairs."""
    damaged = isinstance(failure, asyncpg.PostgresError) and failure.sqlstate in _CORRUPT
    return logging.CRITICAL if damaged else logging.WARNING
