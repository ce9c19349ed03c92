"""Watches whether the services whose topics we read are running, by their consumer groups.

Invariant: a service counts as away if Kafka knows groups of it and none had a member at two checks in a row. While we
cannot list groups, or may not see them, nobody counts as away. A group belongs to the service whose name it begins
with. A present service may still be stuck: that is for its own readiness.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from services.chassis.base import telemetry
from services.chassis.base.clock import machinery_now
from services.chassis.ingest.stream import Stream

EVERY_SECONDS: Final = 3.0
_ANSWER_SECONDS: Final = 3.0
_NOBODY: Final = (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD)


class Sources:
    """Watches our source services; `away` has the real time since which each missing one is away."""

    def __init__(self, service: str, streams: Sequence[Stream], config: Mapping[str, str | int | float | bool]) -> None:
        self.away: dict[str, datetime] = {}
        self._service = service
        self._sources = sorted(
            {writer for stream in streams if not stream.is_answered for writer in stream.topic.writers}
        )
        self._config = dict(config) | {"log_level": 0}
        self._seen: set[str] = set()
        self._missed: dict[str, datetime] = {}

    @cached_property
    def _client(self) -> AdminClient:
        return AdminClient(self._config, logger=None)

    async def look(self) -> None:
        """Checks once; raises `OSError` while Kafka does not answer."""
        if not self._sources:
            return
        try:
            groups = await asyncio.to_thread(self._groups)
        except OSError:
            self._tell({})
            raise
        # Kafka hides groups that we have no right to see, so a missing group means nothing by itself.
        self._seen.update(_service_of(group) for group in groups)
        working = {_service_of(group) for group, state in groups.items() if state not in _NOBODY}
        now, before = machinery_now(), self._missed
        missed = [source for source in self._sources if source in self._seen - working]
        self._missed = {source: before.get(source, now) for source in missed}
        # A broker that has just come back may not have read its groups yet.
        self._tell({source: since for source, since in self._missed.items() if source in before})

    def _tell(self, away: dict[str, datetime]) -> None:
        self.away = away
        for source in self._sources:
            telemetry.SOURCE_AWAY.labels(self._service, source).set(source in away)

    def _groups(self) -> dict[str, ConsumerGroupState]:
        try:
            asked = self._client.list_consumer_groups(request_timeout=_ANSWER_SECONDS)
            found = asked.result(timeout=2 * _ANSWER_SECONDS)
        except (KafkaException, TimeoutError) as failure:
            raise OSError(f"the broker does not list its groups: {failure}") from failure
        if found.errors:
            # The groups that a missing broker coordinates are not in the list.
            raise OSError(f"not all brokers list their groups: {found.errors}")
        return {group.group_id: group.state for group in found.valid}


def _service_of(group: str) -> str:
    """The service of a group, which is named `<service>-<stream>`."""
    return group.partition("-")[0]
