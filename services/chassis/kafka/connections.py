"""The connections to Kafka under all our producers and consumers.

Invariant: a started client knows a registered broker; a client whose connection falls silent opens a new one; a
dropped client sends nothing more.
"""

import asyncio
import contextlib
import socket
import struct
import time
from typing import Any

from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer import consumer
from aiokafka.errors import KafkaConnectionError
from aiokafka.producer import producer

# Closing the socket discards unsent bytes (SO_LINGER with timeout 0).
_NO_LINGER = struct.pack("ii", 1, 0)


class Client(AIOKafkaClient):
    """aiokafka's client with the repairs that keep this module's invariant."""

    _dropped = False

    async def bootstrap(self) -> None:
        """Raises `KafkaConnectionError` also while the broker that answers lists no broker.

        A broker answers before it has registered. A client that bootstrapped before that has no broker list, and
        never refreshes it once the bootstrap connection closes.
        """
        await super().bootstrap()  # type: ignore[no-untyped-call]
        if not self.cluster.brokers():
            await self.close()
            raise KafkaConnectionError("the broker counts no broker in yet")

    async def close(self) -> None:
        """Raises `CancelledError` if the current task is cancelled; the client's own `close` swallows that."""
        await super().close()  # type: ignore[no-untyped-call]
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError

    async def drop(self) -> None:
        """Closes without sending queued requests; a connection that is being opened is closed right after."""
        self._dropped = True
        for connection in self._conns.values():
            connection.close()
        await self.close()

    async def _get_conn(self, node_id: Any, *, group: int = ConnectionGroup.DEFAULT, no_hint: bool = False) -> Any:
        if self._dropped:
            return None
        before = self._conns.get((node_id, group))
        if before is not None and self._is_silent(before):
            before.close()
        connection = await super()._get_conn(node_id, group=group, no_hint=no_hint)  # type: ignore[no-untyped-call]
        if connection is not None and self._dropped:
            connection.close()
            return None
        return connection

    def _is_silent(self, connection: AIOKafkaConnection) -> bool:
        """Whether the oldest open request timed out and nothing has arrived for a whole request timeout.

        A timed-out metadata request leaves the dead connection in use, so each later request would time out too.
        """
        silent = time.monotonic() - connection._last_action > self._request_timeout_ms / 1000
        return silent and bool(connection._requests) and connection._requests[0][2].cancelled()

    def _on_connection_closed(self, conn: AIOKafkaConnection, reason: CloseReason | None) -> None:
        """Discards the unsent bytes of a closed connection; their requests are repeated over another one."""
        if reason is not CloseReason.SHUTDOWN and conn._protocol is not None:
            _abort(conn._protocol._transport)
        super()._on_connection_closed(conn, reason)  # type: ignore[no-untyped-call]


def _abort(transport: asyncio.Transport | None) -> None:
    if transport is None:
        return
    own = transport.get_extra_info("socket")
    if own is not None:
        # The peer may have closed the socket already.
        with contextlib.suppress(OSError):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


def install() -> None:
    """Makes every producer and consumer of this process use `Client`."""
    for module in (consumer, producer):
        vars(module)["AIOKafkaClient"] = Client
