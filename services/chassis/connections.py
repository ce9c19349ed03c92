"""The connections to Kafka below every producer and consumer of ours.

Invariant: a client that has started knows a broker, one that hears nothing more connects anew, and one that is
dropped sends nothing more.
"""

import asyncio
import socket
import struct
from collections.abc import Sequence
from typing import Any

from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.cluster import ClusterMetadata
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer import consumer
from aiokafka.errors import KafkaConnectionError
from aiokafka.producer import producer

# What has not left is not sent at the close of a socket, but forgotten.
_NO_LINGER = struct.pack("ii", 1, 0)


class Client(AIOKafkaClient):
    """aiokafka's own, but for what is told above."""

    _dropped = False

    async def bootstrap(self) -> None:
        """Raises `KafkaConnectionError` also when who answers counts no broker in.

        A broker that has just started answers before it does, and lists itself as it was until it registers anew. A
        client that knows its first connection and no broker fails on its first question, and when that connection
        breaks it has none any more and never looks again.
        """
        await super().bootstrap()  # type: ignore[no-untyped-call]
        if not self.cluster.brokers():
            await self.close()
            raise KafkaConnectionError("the broker counts no broker in yet")

    async def close(self) -> None:
        """Raises `CancelledError` where whoever closes is to end; the client's own end of a task swallows that."""
        await super().close()  # type: ignore[no-untyped-call]
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError

    async def drop(self) -> None:
        """Closes without sending what is queued; what is being connected is closed as soon as it is."""
        self._dropped = True
        for connection in self._conns.values():
            _abort(connection)
        await self.close()

    async def _get_conn(self, node_id: Any, *, group: int = ConnectionGroup.DEFAULT, no_hint: bool = False) -> Any:
        if self._dropped:
            return None
        connection = await super()._get_conn(node_id, group=group, no_hint=no_hint)  # type: ignore[no-untyped-call]
        if connection is not None and self._dropped:
            _abort(connection)
            return None
        return connection

    async def _metadata_update(self, cluster_metadata: ClusterMetadata, topics: Sequence[str] | None) -> bool:
        updated: bool = await super()._metadata_update(cluster_metadata, topics)  # type: ignore[no-untyped-call]
        if not updated:
            # Of a connection that is dead at its other end only the next question is known to fail, and the next.
            for connection in self._conns.values():
                connection.close()
        return updated


def _abort(connection: AIOKafkaConnection) -> None:
    if connection._writer is not None:
        transport = connection._writer.transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
    connection.close()


def install() -> None:
    """Makes every producer and consumer of this process connect in this way."""
    for module in (consumer, producer):
        vars(module)["AIOKafkaClient"] = Client
