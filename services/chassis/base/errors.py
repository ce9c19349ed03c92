"""Which failures pass by themselves and which are bugs.

Invariant: decided by SQLSTATE class, exception type and aiokafka's own `retriable`, never by a message text.
"""

import asyncio
import logging

import asyncpg
from aiokafka.errors import KafkaError

# 08 connection, 40 rollback (serialization, deadlock), 53 resources, 57 operator intervention, 58 system error,
# XX internal: what Postgres has no word for, as when a quota or the size of a file is at its limit.
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
    """Kafka is another than the one that the store belongs to."""


class Fenced(Exception):
    """The stored position is not the one that this copy last read or wrote."""


def passes(failure: BaseException) -> bool:
    """Whether waiting may cure the failure: the database or the broker is away, or a transaction lost a race."""
    if isinstance(failure, asyncpg.PostgresError):
        state = failure.sqlstate or ""
        return state[:2] in _PASSING_CLASSES or state in _PASSING_STATES
    if isinstance(failure, KafkaError):
        return bool(failure.retriable)
    # Of the driver's own failures, one that is a ValueError is about what it was given: that stays as it is.
    if isinstance(failure, asyncpg.InterfaceError):
        return not isinstance(failure, ValueError)
    # The server has said that it ends a session, and the end has not come yet: the driver knows no state for that.
    if isinstance(failure, asyncpg.InternalClientError):
        return True
    return isinstance(failure, (asyncio.TimeoutError, TimeoutError, OSError))


def weight(failure: BaseException) -> int:
    """The level at which to log what is waited for: damaged data do not mend themselves."""
    damaged = isinstance(failure, asyncpg.PostgresError) and failure.sqlstate in _CORRUPT
    return logging.CRITICAL if damaged else logging.WARNING
