"""The Kafka cluster that a store belongs to, whose offsets its positions are.

Invariant: a store belongs to the first cluster that a copy connects to, until an operator changes that. A copy reads
and publishes nothing before it has checked the cluster's id, and ends when it finds another one, such as that of
another stack on the same host.
"""

import asyncio
from collections.abc import Mapping
from functools import cached_property
from typing import Final

from confluent_kafka import KafkaException

from services.chassis.base.database import Connection, Pool
from services.chassis.base.errors import OtherCluster
from services.chassis.kafka.admin import Administration

_FIND: Final = "SELECT id FROM cluster"
_BELONG: Final = "INSERT INTO cluster (id) VALUES ($1) ON CONFLICT DO NOTHING"
_FORGET: Final = "DELETE FROM cluster RETURNING id"
EVERY_SECONDS: Final = 2.0
_ANSWER_SECONDS: Final = 5.0


class Cluster:
    """Compares the id of Kafka's cluster with the one that the store belongs to."""

    def __init__(self, service: str, config: Mapping[str, str | int | float | bool]) -> None:
        self._service = service
        self._config = config

    @cached_property
    def _admin(self) -> Administration:
        return Administration(self._config)

    async def require(self, pool: Pool) -> None:
        """Raises `OtherCluster` if Kafka is not the store's cluster, and `OSError` while it does not answer."""
        met = await asyncio.to_thread(self._ask)
        if await known(pool) is None:
            await pool.execute(_BELONG, met)
        if (own := await known(pool)) != met:
            address = self._config["bootstrap.servers"]
            raise OtherCluster(
                f"Kafka at {address} is cluster {met}, and the store belongs to cluster {own}; "
                f"to move the store on purpose: python -m corridor cluster forget {self._service}"
            )

    def _ask(self) -> str:
        # Not `describe_cluster`: librdkafka aborts the process if a returning broker has registered nobody yet.
        try:
            return str(self._admin.client.list_topics(timeout=_ANSWER_SECONDS).cluster_id)
        except (KafkaException, TimeoutError) as failure:
            raise OSError(f"the broker does not give the id of its cluster: {self._admin.why(failure)}") from failure


async def known(store: Pool | Connection) -> str | None:
    """The id of the cluster that a store belongs to; None before the first one."""
    found: str | None = await store.fetchval(_FIND)
    return found


async def forget(store: Connection) -> str | None:
    """Makes the store belong to the next cluster that a copy connects to; returns the id of the old one."""
    found: str | None = await store.fetchval(_FORGET)
    return found
