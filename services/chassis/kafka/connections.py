"""The connections to Kafka below every producer and consumer of ours.

Invariant: a client that has started knows a broker, one that hears nothing more connects anew, and one that is
dropped sends nothing more.
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

# At the close of a socket, what has not left is forgotten.
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
        """Whether the question that is to be answered next was given up, and nothing has come for its whole time.

        A question for brokers that is given up leaves the connection as it is: each that follows would wait as long.
        """
        silent = time.monotonic() - connection._last_action > self._request_timeout_ms / 1000
        return silent and bool(connection._requests) and connection._requests[0][2].cancelled()

    def _on_connection_closed(self, conn: AIOKafkaConnection, reason: CloseReason | None) -> None:
        """Forgets what a connection has not sent: it is sent anew over another, or by another."""
        if reason is not CloseReason.SHUTDOWN and conn._protocol is not None:
            _abort(conn._protocol._transport)
        super()._on_connection_closed(conn, reason)  # type: ignore[no-untyped-call]


def _abort(transport: asyncio.Transport | None) -> None:
    if transport is None:
        return
    own = transport.get_extra_info("socket")
    if own is not None:
        # The other end may have closed it already.
        with contextlib.suppress(OSError):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


def install() -> None:
    """Makes every producer and consumer of this process connect in this way."""
    for module in (consumer, producer):
        vars(module)["AIOKafkaClient"] = Client
