"""The topic table and the services say the same of who reads what."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

import pytest
from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI

from contracts import topics
from contracts.topics import TABLE, Topic
from services.chassis.base.clock import CorridorClock
from services.chassis.base.parties import PartyBook
from services.chassis.base.settings import ServiceSettings
from services.chassis.ingest.consumer import Ingest
from services.chassis.ingest.stream import Stream
from services.chassis.ingest.subscriber import Subscribers
from services.chassis.service.blueprint import Blueprint
from services.customs.app import blueprint as customs
from services.notifications.app import blueprint as notifications
from services.tracking.app import blueprint as tracking
from tests.support.examples import load_examples

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
        assert stream.is_answered == stream.topic.ingress


def unlinked(name: str, streams: Iterable[Stream]) -> list[str]:
    """The types that a service reads without saying whom they name; their records would end in quarantine."""
    found = []
    for stream in streams:
        for example in (one for one in load_examples() if one.type in stream.topic.events):
            try:
                list(stream.links_of(example.event))
            except KeyError:
                found.append(f"{name} reads {example.type}: add on_<event> and its row in services/{name}/links.py")
    return sorted(set(found))


@pytest.mark.parametrize("blueprint", SERVICES, ids=lambda b: b.name)
def test_a_service_says_of_every_type_that_it_reads_whom_it_names(blueprint: Blueprint) -> None:
    assert unlinked(blueprint.name, blueprint.streams) == []


def test_a_type_without_links_is_found() -> None:
    stream = replace(SERVICES[0].streams[0], topic=topics.DECISIONS)

    assert "tracking reads corridor.hold.placed.v1: add on_<event> and its row in services/tracking/links.py" in (
        unlinked("tracking", [stream])
    )


def documented(blueprint: Blueprint) -> dict[str, Any]:
    """The AsyncAPI document that FastStream makes of a service."""
    settings = ServiceSettings(
        kafka_bootstrap_servers="nowhere:1", database_url="postgresql://nowhere", http_port=0, copy_name="c"
    )
    book, clock, pool = PartyBook(), CorridorClock(), cast(Any, None)
    ingests = [Ingest(blueprint.name, stream, pool, clock, book) for stream in blueprint.streams]
    broker = KafkaBroker("nowhere:1", logger=None)
    broker.include_router(blueprint.routes(Subscribers(ingests, settings)))
    found: dict[str, Any] = AsyncAPI(broker).to_specification().to_jsonable()
    return found


@pytest.mark.parametrize("blueprint", SERVICES, ids=lambda b: b.name)
def test_the_document_that_faststream_makes_names_the_same_topics_as_ours(blueprint: Blueprint) -> None:
    ours = {row.name for row in TABLE if blueprint.name in row.readers}

    assert set(documented(blueprint)["channels"]) == ours


@pytest.mark.parametrize("blueprint", SERVICES, ids=lambda b: b.name)
def test_each_subscriber_is_described(blueprint: Blueprint) -> None:
    """By its docstring: who reads the document or the code learns what it does."""
    channels = documented(blueprint)["channels"].values()

    assert all(channel.get("description") for channel in channels)
