"""Which Kafka a store belongs to: the cluster of which its positions and its outbox speak.

Invariant: a store belongs to the first cluster that a copy meets, until somebody says otherwise on purpose. A copy
reads and tells nothing before it has seen that Kafka is that one, and ends when it finds another, as two stacks on one
host would be to each other.
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
    """Asks Kafka which cluster it is, and the store to which it belongs."""

    def __init__(self, service: str, config: Mapping[str, str | int | float | bool]) -> None:
        self._service = service
        self._config = config

    @cached_property
    def _admin(self) -> Administration:
        return Administration(self._config)

    async def require(self, pool: Pool) -> None:
        """Raises `OtherCluster` for one that is not the store's, and `OSError` while Kafka does not answer."""
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
        # Not by describing it: at a broker that comes back and lists nobody yet, librdkafka ends the process.
        try:
            return str(self._admin.client.list_topics(timeout=_ANSWER_SECONDS).cluster_id)
        except (KafkaException, TimeoutError) as failure:
            raise OSError(f"the broker does not say which cluster it is of: {self._admin.why(failure)}") from failure


async def known(store: Pool | Connection) -> str | None:
    """The cluster that a store belongs to."""
    found: str | None = await store.fetchval(_FIND)
    return found


async def forget(store: Connection) -> str | None:
    """Has the store belong to whichever cluster the next copy meets; returns the one that it belonged to."""
    found: str | None = await store.fetchval(_FORGET)
    return found
