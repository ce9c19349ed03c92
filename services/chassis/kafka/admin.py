"""Answers that aiokafka's admin client cannot give: the ids of topics, and why there is no connection.

Invariant: a topic that is deleted and created again has another id, so its offsets never pass for the old one's.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient


class Administration:
    """An admin client of confluent's that remembers why it has no connection.

    A failed request itself only reports a timeout, whatever the cause.
    """

    def __init__(self, config: Mapping[str, str | int | float | bool]) -> None:
        self._heard = ""
        heard: dict[str, Any] = {**config, "log_level": 0, "error_cb": self._hear}
        self.client = AdminClient(heard, logger=None)

    def why(self, failure: BaseException) -> str:
        """The cause of a failed request, in one line."""
        self.client.poll(0)
        said = failure.args[0].str() if isinstance(failure, KafkaException) else str(failure)
        return self._heard or said

    def _hear(self, failure: KafkaError) -> None:
        # The cause has been reported before this one.
        if failure.code() != KafkaError._ALL_BROKERS_DOWN:
            self._heard = failure.str()


class TopicIds:
    """Asks the broker for topic ids; raises `OSError` while it is away."""

    def __init__(self, config: Mapping[str, str | int | float | bool]) -> None:
        self._client = AdminClient(dict(config) | {"log_level": 0}, logger=None)

    async def __call__(self, topics: Iterable[str]) -> dict[str, str]:
        return await asyncio.to_thread(self._describe, sorted(topics))

    def _describe(self, topics: list[str]) -> dict[str, str]:
        try:
            asked = self._client.describe_topics(TopicCollection(topics), request_timeout=10)
            return {name: str(future.result(timeout=15).topic_id) for name, future in asked.items()}
        except KafkaException as failure:
            raise OSError(f"the broker does not describe {', '.join(topics)}: {failure}") from failure
