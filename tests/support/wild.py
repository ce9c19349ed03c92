"""A Kafka producer that sends what other people's clients can send and ours does not.

Header names that are no UTF-8 (a name is text here, and a lone surrogate in it stands for one byte), headers
without a value, and every compression that Kafka has. Written over aiokafka's own batches in pure Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final, Self
from unittest.mock import patch

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from services.chassis.base.access import KafkaAccess

Headers = Sequence[tuple[str, bytes | None]]
COMPRESSIONS: Final = (None, "gzip", "snappy", "lz4", "zstd")
_BATCHES: Final = ("aiokafka.producer.message_accumulator", "aiokafka.producer.producer")


class _Name(str):
    """A header name whose lone surrogates are bytes."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return super().encode("utf-8", "surrogateescape")


def header_name(text: str) -> str:
    """A name that is written as it is, each of its lone surrogates as one byte."""
    return _Name(text)


class WildProducer:
    """Sends records one by one; a context manager."""

    def __init__(self, access: KafkaAccess) -> None:
        # What is a byte over our limit has to reach us: the producer's own bound is far above.
        self._options: dict[str, Any] = {
            **access.options(),
            "acks": "all",
            "max_request_size": 4 * 2**20,
            "max_batch_size": 2 * 2**20,
        }
        self._producers: dict[str | None, AIOKafkaProducer] = {}
        self._stack = ExitStack()

    async def __aenter__(self) -> Self:
        for module in _BATCHES:
            self._stack.enter_context(patch(f"{module}.DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for producer in self._producers.values():
            await producer.stop()
        self._stack.close()

    async def send(
        self, topic: str, key: bytes | None, headers: Headers, value: bytes | None, *, number: int = 0
    ) -> tuple[str, int, int] | None:
        """Where Kafka has put the record, or None where it does not take it; `number` chooses the compression."""
        if key is None and value is None:
            # Kafka would, but this client does not.
            return None
        compression = COMPRESSIONS[number % len(COMPRESSIONS)]
        named: Any = [(header_name(name), content) for name, content in headers]
        try:
            sent = await (await self._producer(compression)).send_and_wait(topic, value, key=key, headers=named)
        except KafkaError:
            return None
        return sent.topic, sent.partition, sent.offset

    async def _producer(self, compression: str | None) -> AIOKafkaProducer:
        if compression not in self._producers:
            producer = AIOKafkaProducer(**self._options, compression_type=compression)
            await producer.start()
            self._producers[compression] = producer
        return self._producers[compression]
