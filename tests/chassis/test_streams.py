"""The topic table and the services say the same of who reads what."""

from __future__ import annotations

import re

import pytest

from contracts import topics
from contracts.topics import TABLE, Topic
from services.chassis.service.runtime import Blueprint
from services.customs.app import blueprint as customs
from services.notifications.app import blueprint as notifications
from services.tracking.app import blueprint as tracking

SERVICES = [tracking(), customs(), notifications()]


def disagreement(blueprint: Blueprint, table: tuple[Topic, ...]) -> set[str]:
    """Topics that the service reads and the table does not say so, or the other way round."""
    declared = {row.name for row in table if blueprint.name in row.readers}
    return declared ^ {stream.topic.name for stream in blueprint.streams}


@pytest.mark.parametrize("blueprint", SERVICES, ids=lambda b: b.name)
def test_a_service_reads_what_the_topic_table_says(blueprint: Blueprint) -> None:
    assert disagreement(blueprint, TABLE) == set()


def test_the_comparison_finds_a_reader_that_the_table_does_not_name() -> None:
    assert disagreement(SERVICES[0], (topics.TRACKING_EVENTS,)) == {"milestones-<party>"}


@pytest.mark.parametrize("blueprint", SERVICES, ids=lambda b: b.name)
def test_a_stream_takes_exactly_the_types_of_its_topic(blueprint: Blueprint) -> None:
    for stream in blueprint.streams:
        assert re.match(stream.topic.regex, stream.topic.of("x" if "<" in stream.topic.name else ""))
        assert stream.own != stream.topic.ingress
