"""Whether the services that tell us things are at work, as Kafka sees it.

Invariant: a service is said to be away when Kafka knows consumer groups of it and none had a member at two looks; while
Kafka cannot be asked, or may not tell, nothing is said of anybody. Groups that begin with the name of a service are
its own. That a service is there does not say that it gets on: its own readiness does.
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
    """Looks now and then; `away` has since when (real time) each service that is away was missed."""

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
        """One look; raises `OSError` while Kafka does not answer."""
        if not self._sources:
            return
        try:
            groups = await asyncio.to_thread(self._groups)
        except OSError:
            self._tell({})
            raise
        # Without the right to see a group one is not told of it: that is no news of who is in it.
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
            # Of several brokers, one that is away takes the groups with it that it looks after.
            raise OSError(f"not all brokers list their groups: {found.errors}")
        return {group.group_id: group.state for group in found.valid}


def _service_of(group: str) -> str:
    """A group is named `<service>-<stream>`."""
    return group.partition("-")[0]
