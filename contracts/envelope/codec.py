"""CloudEvents 1.0 to events and back: Kafka and HTTP binding, binary and structured mode.

Invariant: `decode_*` returns a complete event or raises `Refused`; nothing else escapes, whatever the bytes.
Both modes give the same event. Written by hand because it is on the hot path; tests hold it to the CloudEvents
SDK in both directions.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from contracts.catalogue import TYPES, EventType
from contracts.envelope.attributes import (
    BATCH,
    JSON,
    STRUCTURED,
    Headers,
    attribute,
    encode,
    http_attributes,
    is_json,
    kafka_attributes,
    media_type,
    structured,
    structured_body,
    trace_attribute,
)
from contracts.envelope.canonical import content_hash, parse_json, write_json
from contracts.events.base import OPEN, Data
from contracts.identifiers import subjects
from contracts.refusal import Problem, Reason, Refused, printable, refused

__all__ = [
    "BATCH",
    "JSON",
    "STRUCTURED",
    "Event",
    "Headers",
    "adapter",
    "body_of",
    "decode_http",
    "decode_published",
    "decode_record",
    "decode_structured",
    "encode",
    "http_attributes",
    "kafka_attributes",
    "problems",
    "read_data",
    "structured",
    "structured_body",
]

_SMALL_BYTES: Final = 8 * 1024
_KEPT_BYTES: Final = 128 * 1024
_PROBLEMS: Final[dict[str, Reason]] = {
    "time_without_offset": "time_without_offset",
    "check_digit": "check_digit",
    "json_invalid": "not_json",
}


class Event(NamedTuple):
    """One decoded event; `body` is its data as JSON bytes, as received where that was possible."""

    id: str
    source: str
    type: str
    subject: str
    data: Data
    body: bytes
    content_hash: bytes
    traceparent: str | None = None


def decode_record(headers: Headers, value: bytes | None, accepts: Mapping[str, EventType], limit: int) -> Event:
    """The event of a Kafka record in binary or structured mode; raises `Refused`.

    `accepts` are the types that may arrive here, `limit` the largest body in bytes.
    """
    body = value or b""
    attributes, content_type = kafka_attributes(headers)
    try:
        _require_limit(body, limit)
        if set(attributes) <= {"traceparent"} or media_type(content_type) == STRUCTURED:
            return decode_structured(parse_json(body), accepts, attributes.get("traceparent"))
        return _binary(attributes, content_type, body, accepts)
    except Refused as refusal:
        if not refusal.quoted:
            refusal.quote(attributes)
        raise


def decode_published(headers: Headers, value: bytes | None, accepts: Mapping[str, EventType], limit: int) -> Event:
    """The event of a record of our own topics, in binary mode and without a content hash; raises `Refused`.

    Nobody compares revisions of what a service has published: its version says which one is newer.
    """
    body = value or b""
    attributes, content_type = kafka_attributes(headers)
    try:
        _require_limit(body, limit)
        _require_json(content_type)
        kind = _kind(attributes, accepts)
        subject = _subject(attribute(attributes, "subject"), kind)
        return _of_kind(kind, attributes, subject, _model(kind, body), body, b"")
    except Refused as refusal:
        refusal.quote(attributes)
        raise


def decode_http(attributes: Mapping[str, str], body: bytes, accepts: Mapping[str, EventType]) -> Event:
    """The event of an HTTP request in binary mode; raises `Refused`."""
    try:
        return _binary(attributes, JSON, body, accepts)
    except Refused as refusal:
        refusal.quote(attributes)
        raise


def decode_structured(event: Any, accepts: Mapping[str, EventType], traceparent: str | None = None) -> Event:
    """The event of a parsed structured-mode document; raises `Refused`."""
    if not isinstance(event, dict):
        raise refused("bad_envelope", "$", "a structured event is a JSON object")
    attributes = {name: value for name, value in event.items() if isinstance(value, str) and name != "traceparent"}
    attributes |= trace_attribute(traceparent, event.get("traceparent"))
    try:
        data = _data_of(event)
        return _event(attributes, data, write_json(data), accepts)
    except Refused as refusal:
        refusal.quote(attributes)
        raise


def body_of(data: Data) -> bytes:
    """The JSON of outgoing data; defaults are left out."""
    return data.model_dump_json(exclude_defaults=True).encode()


def read_data(type_name: str, body: bytes) -> Data:
    """The data of a body that has been accepted before; raises `ValidationError` if it never was.

    Data are frozen, and a fold reads the same bodies again and again: the newest ones are kept, of large ones so few
    that no sender can fill the memory with them.
    """
    if len(body) <= _SMALL_BYTES:
        return _kept(type_name, body)
    return _kept_large(type_name, body) if len(body) <= _KEPT_BYTES else _read(type_name, body)


def _read(type_name: str, body: bytes) -> Data:
    return adapter(type_name).validate_json(body, context=None if TYPES[type_name].incoming else OPEN)


_kept: Final = lru_cache(maxsize=16384)(_read)
# What is stored and folded in one transaction is read twice.
_kept_large: Final = lru_cache(maxsize=32)(_read)


@cache
def adapter(type_name: str) -> TypeAdapter[Data]:
    """The validator of a type of the catalogue."""
    return TypeAdapter(TYPES[type_name].model)


def _binary(attributes: Mapping[str, str], content_type: str, body: bytes, accepts: Mapping[str, EventType]) -> Event:
    _require_json(content_type)
    data = parse_json(body, "$.data")
    if "specversion" not in attributes and isinstance(data, dict) and "specversion" in data:
        raise refused("bad_header", "$.datacontenttype", f"an event with its attributes inside is {STRUCTURED}")
    return _event(attributes, data, body, accepts)


def _require_limit(body: bytes, limit: int) -> None:
    if len(body) > limit:
        raise refused("too_large", "$", f"the body has {len(body)} bytes, the limit is {limit}")


def _require_json(content_type: str) -> None:
    if not is_json(content_type):
        media = printable(media_type(content_type), 80)
        raise refused("bad_header", "$.datacontenttype", f"the content type is {JSON}, not {media}")


def _data_of(event: Mapping[str, Any]) -> Any:
    if "data_base64" in event:
        raise refused("bad_envelope", "$.data_base64", "the data are JSON, in data")
    if "data" not in event:
        raise refused("bad_envelope", "$.data", "the event has no data")
    content_type = event.get("datacontenttype") or ""
    if not isinstance(content_type, str) or not is_json(content_type):
        raise refused("bad_envelope", "$.datacontenttype", f"the data are {JSON}")
    return event["data"]


def _event(attributes: Mapping[str, str], data: Any, body: bytes, accepts: Mapping[str, EventType]) -> Event:
    kind = _kind(attributes, accepts)
    subject = _subject(attribute(attributes, "subject"), kind)
    if not isinstance(data, dict):
        raise refused("bad_field", "$.data", "the data are a JSON object")
    model = _model(kind, body)
    return _of_kind(kind, attributes, subject, model, body, content_hash(kind.name, subject, data))


def _kind(attributes: Mapping[str, str], accepts: Mapping[str, EventType]) -> EventType:
    """The type of an event that has the attributes that each event must have."""
    if attributes.get("specversion") != "1.0":
        raise refused("bad_envelope", "$.specversion", "the CloudEvents version is 1.0")
    attribute(attributes, "id")
    attribute(attributes, "source")
    kind = accepts.get(attribute(attributes, "type"))
    if kind is None:
        raise refused("unknown_type", "$.type", f"this topic carries {', '.join(accepts)}")
    return kind


def _of_kind(
    kind: EventType, attributes: Mapping[str, str], subject: str, data: Data, body: bytes, digest: bytes
) -> Event:
    event_id, source, trace = attributes["id"], attributes["source"], attributes.get("traceparent")
    return Event(event_id, source, kind.name, subject, data, body, digest, trace)


def _subject(text: str, kind: EventType) -> str:
    if not kind.subjects:
        return text
    try:
        key = subjects.parse(text)
    except subjects.BadSubject as failure:
        reason: Reason = "check_digit" if failure.check_digit else "bad_field"
        raise refused(reason, "$.subject", str(failure)[:300]) from failure
    if subjects.kind_of(key) not in kind.subjects:
        raise refused("bad_field", "$.subject", f"the subject is a {' or '.join(kind.subjects)}")
    return key


def _model(kind: EventType, body: bytes) -> Data:
    try:
        return read_data(kind.name, body)
    except ValidationError as failure:
        raise Refused(*problems(failure)) from failure


def problems(failure: ValidationError) -> list[Problem]:
    """The problems of a failed validation, as paths into the structured event; at most 20."""
    found = failure.errors(include_url=False, include_context=False, include_input=False)[:20]
    return [Problem(_PROBLEMS.get(e["type"], "bad_field"), _path(e["loc"]), _cut(e["msg"].strip())) for e in found]


def _cut(text: str, most: int = 300) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _path(location: tuple[int | str, ...]) -> str:
    return "$.data" + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in location)[:400]
