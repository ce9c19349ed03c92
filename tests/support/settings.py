"""Settings of a service that tests run in their own process."""

from __future__ import annotations

from typing import Any

from services.chassis.base.access import KafkaAccess


def kafka_settings(access: KafkaAccess) -> dict[str, Any]:
    """The fields of `ServiceSettings` that say how to sign in to Kafka."""
    return {name.lower(): value for name, value in access.environment().items()}
