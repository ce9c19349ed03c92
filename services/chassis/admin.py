"""What aiokafka's admin client cannot tell: the ids of topics.

Invariant: a topic deleted and made again has another id, so its offsets are never taken for the old one's.
"""

import asyncio
from collections.abc import Iterable, Mapping

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient


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
