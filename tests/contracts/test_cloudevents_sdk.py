"""Our codec against the CloudEvents SDK: what either writes, the other reads, over Kafka and HTTP, in both modes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings import http, kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from contracts.catalogue import TYPES
from contracts.envelope import codec
from contracts.envelope.codec import Event
from tests.support.examples import Example, as_record, load_examples

LIMIT = 512 * 1024
FORMAT = JSONFormat()
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
each = pytest.mark.parametrize("one", load_examples(), ids=lambda e: e.name)


def sdk_event(one: Example) -> CloudEvent:
    attributes = {name: value for name, value in one.document.items() if name != "data"}
    extra = {"time": datetime(2026, 6, 22, 3, 5, tzinfo=UTC), "partitionkey": one.event.subject, "traceparent": TRACE}
    return CloudEvent(attributes | extra, one.document["data"])


def assert_same(event: Event, one: Example) -> None:
    ours = one.event
    assert (event.id, event.source, event.type, event.subject) == (ours.id, ours.source, ours.type, ours.subject)
    assert (event.data, event.content_hash) == (ours.data, ours.content_hash)


def assert_sdk_same(event: Any, one: Example) -> None:
    assert event.get_specversion() == "1.0"
    assert (event.get_id(), event.get_source(), event.get_type()) == (one.event.id, one.event.source, one.event.type)
    assert event.get_subject() == one.event.subject
    assert event.get_data() == one.document["data"]


@each
def test_we_read_what_the_sdk_writes_to_kafka_in_binary_mode(one: Example) -> None:
    message = kafka.to_binary(sdk_event(one), FORMAT)
    event = codec.decode_record(list(message.headers.items()), message.value, TYPES, LIMIT)
    assert_same(event, one)
    assert event.traceparent == TRACE


@each
def test_we_read_what_the_sdk_writes_to_kafka_in_structured_mode(one: Example) -> None:
    message = kafka.to_structured(sdk_event(one), FORMAT)
    event = codec.decode_record(list(message.headers.items()), message.value, TYPES, LIMIT)
    assert_same(event, one)
    assert event.traceparent == TRACE


@each
def test_we_read_what_the_sdk_writes_to_http_in_binary_mode(one: Example) -> None:
    message = http.to_binary(sdk_event(one), FORMAT)
    attributes = codec.http_attributes(message.headers.items())
    event = codec.decode_http(attributes, message.body, TYPES)
    assert_same(event, one)
    assert event.traceparent == TRACE


@each
def test_we_read_what_the_sdk_writes_to_http_in_structured_mode(one: Example) -> None:
    message = http.to_structured(sdk_event(one), FORMAT)
    assert_same(codec.decode_structured(json.loads(message.body), TYPES), one)


@each
def test_the_sdk_reads_what_we_write_to_kafka_in_binary_mode(one: Example) -> None:
    headers, value = as_record(one, "binary")
    message = kafka.KafkaMessage(headers=dict(headers), key=one.event.subject.encode(), value=value)
    assert_sdk_same(kafka.from_binary(message, FORMAT), one)


@each
def test_the_sdk_reads_what_we_write_to_kafka_in_structured_mode(one: Example) -> None:
    headers, value = as_record(one, "structured")
    message = kafka.KafkaMessage(headers=dict(headers), key=None, value=value)
    assert_sdk_same(kafka.from_structured(message, FORMAT), one)


@each
def test_the_sdk_reads_a_committed_example_as_an_http_body(one: Example) -> None:
    body = codec.structured_body(one.document)
    message = http.HTTPMessage(headers={"content-type": codec.STRUCTURED}, body=body)
    event = http.from_structured(message, FORMAT)
    # The SDK sees the subject as it was written, before it has become a key.
    assert (event.get_id(), event.get_subject(), event.get_data()) == (
        one.document["id"],
        one.document["subject"],
        one.document["data"],
    )


@pytest.mark.parametrize("text", ["Вагон 7", "zażółć", '50% "off"', "a b", "🚂", "ü%41"])
def test_attributes_outside_ascii_go_both_ways(text: str) -> None:
    one = next(iter(load_examples()))
    event = CloudEvent({k: v for k, v in one.document.items() if k != "data"} | {"id": text}, one.document["data"])
    binary, web = kafka.to_binary(event, FORMAT), http.to_binary(event, FORMAT)
    assert codec.decode_record(list(binary.headers.items()), binary.value, TYPES, LIMIT).id == text
    assert codec.decode_http(codec.http_attributes(web.headers.items()), web.body, TYPES).id == text
    headers = codec.encode(id=text, source="urn:x", type=one.type, subject=one.event.subject)
    message = kafka.KafkaMessage(headers=dict(headers), key=None, value=one.event.body)
    assert kafka.from_binary(message, FORMAT).get_id() == text


def test_the_sdk_reads_the_time_and_schema_that_we_write() -> None:
    instant = datetime(2026, 6, 22, 3, 5, 0, 250000, tzinfo=UTC)
    headers = codec.encode(id="a", source="urn:x", type="t.v1", subject="s", time=instant, traceparent=TRACE)
    event = kafka.from_binary(kafka.KafkaMessage(headers=dict(headers), key=None, value=b"{}"), FORMAT)
    assert event.get_time() == instant
    assert event.get_dataschema() == "urn:corridor:schema:t.v1"
    assert event.get_datacontenttype() == "application/json"
