"""Whether the services that tell us things are at work, as Kafka sees it.

Invariant: a service is said to be away when none of its consumer groups had a member at two looks; while Kafka cannot
be asked nothing is said of anybody. That a service is there does not say that it gets on: its own readiness does.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from services.chassis import telemetry
from services.chassis.clock import machinery_now
from services.chassis.pace import repeat
from services.chassis.stream import Stream

EVERY_SECONDS: Final = 3.0
_ANSWER_SECONDS: Final = 5.0
_NOBODY: Final = (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD)


class Sources:
    """Looks now and then; `away` has since when (real time) each service that is away was missed."""

    def __init__(self, service: str, streams: Sequence[Stream], config: Mapping[str, str | int | float | bool]) -> None:
        self.away: dict[str, datetime] = {}
        self._service = service
        self._sources = sorted({writer for stream in streams if stream.own for writer in stream.topic.writers})
        self._config = dict(config) | {"log_level": 0}
        self._missed: dict[str, datetime] = {}

    @cached_property
    def _client(self) -> AdminClient:
        return AdminClient(self._config, logger=None)

    async def run(self) -> None:
        """Looks until cancelled."""
        await repeat(self.look, EVERY_SECONDS, "it cannot be seen who is at work")

    async def look(self) -> None:
        """One look; raises `OSError` while Kafka does not answer."""
        try:
            working = await asyncio.to_thread(self._working)
        except OSError:
            self.away = self._missed = {}
            raise
        now, before = machinery_now(), self._missed
        self._missed = {source: before.get(source, now) for source in self._sources if source not in working}
        # A broker that has just come back may not have read its groups yet.
        self.away = {source: since for source, since in self._missed.items() if source in before}
        for source in self._sources:
            telemetry.SOURCE_AWAY.labels(self._service, source).set(source in self.away)

    def _working(self) -> set[str]:
        """A group is named `<service>-<stream>`."""
        try:
            found = self._client.list_consumer_groups(request_timeout=_ANSWER_SECONDS).result(timeout=_ANSWER_SECONDS)
        except (KafkaException, TimeoutError) as failure:
            raise OSError(f"the broker does not list its groups: {failure}") from failure
        return {group.group_id.partition("-")[0] for group in found.valid if group.state not in _NOBODY}
