"""Sends the records of a load: all at once, or at a rate that does not care what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from confluent_kafka import Producer

from services.chassis.base.access import KafkaAccess
from tests.bench.chain.load import Marked

_FLUSH_WITHIN = 120.0


class Sender:
    """One client of Kafka, as all operators together."""

    def __init__(self, access: KafkaAccess) -> None:
        options = {"linger.ms": 1, "acks": "all", "enable.idempotence": True, "log_level": 0}
        self._producer = Producer(access.config() | options)
        self._failed: list[str] = []

    def send_all(self, records: Sequence[Marked]) -> None:
        """Returns when Kafka has them all; raises `RuntimeError` for one that it did not take."""
        for record in records:
            self._send(record)
            self._producer.poll(0)
        self._done()

    def send_at(self, records: Sequence[Marked], rate: float, begun: float) -> None:
        """Sends number n at the monotonic second `begun + n / rate`, or as soon after it as it can."""
        for number, record in enumerate(records):
            while (wait := begun + number / rate - time.monotonic()) > 0:
                self._producer.poll(min(wait, 0.05))
            self._send(record)
        self._done()

    def _send(self, record: Marked) -> None:
        one = record.send
        while True:
            try:
                self._producer.produce(one.topic, one.value, one.key, headers=list(one.headers), callback=self._told)
                return
            except BufferError:
                self._producer.poll(0.1)

    def _told(self, error: object, _: object) -> None:
        if error is not None:
            self._failed.append(str(error))

    def _done(self) -> None:
        left = self._producer.flush(_FLUSH_WITHIN)
        if left or self._failed:
            raise RuntimeError(f"{left} records were not acknowledged; {self._failed[:1]}")
