"""CloudEvents 1.0 to events and back: Kafka and HTTP binding, binary and structured mode.

Invariant: `decode_*` returns a complete event or raises `Refused`; nothing else escapes, whatever the bytes.
Written by hand because it is on the hot path; tests hold it to the CloudEvents SDK in both directions.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal
from urllib.parse import unquote

from pydantic import TypeAdapter, ValidationError

from contracts import subjects
from contracts.canonical import canonical_json, content_hash, parse_json
from contracts.catalogue import TYPES, EventType
from contracts.events.base import Data
from contracts.fields import utc_text
from contracts.refusal import Problem, Reason, Refused, refused

Headers = Sequence[tuple[str, bytes | None]]

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
_JSON: Final = "application/json"
_MAX_TEXT: Final = 400
_PROBLEMS: Final[dict[str, Reason]] = {
    "time_without_offset": "time_without_offset",
    "check_digit": "check_digit",
    "json_invalid": "not_json",
}


@dataclass(frozen=True, slots=True)
class Event:
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
    if len(body) > limit:
        raise refused("too_large", "$", f"the body has {len(body)} bytes, the limit is {limit}")
    attributes, content_type = kafka_attributes(headers)
    if attributes and not content_type.startswith(STRUCTURED):
        return _binary(attributes, content_type, body, accepts)
    event = parse_json(body)
    return decode_structured(event, accepts, _traceparent(attributes, headers))


def kafka_attributes(headers: Headers) -> tuple[dict[str, str], str]:
    """The CloudEvents attributes and the content type of a record's headers; raises `Refused`."""
    found: dict[str, str] = {}
    content_type = ""
    for name, raw in headers:
        low = name.lower()
        if low == "content-type":
            content_type = _text(raw, low).strip().lower()
        elif low.startswith("ce_"):
            if low[3:] in found:
                raise refused("bad_header", f"$.{low[3:]}", f"the header {low} stands twice")
            found[low[3:]] = _text(raw, low)
        elif low == "traceparent":
            found.setdefault("traceparent", _text(raw, low))
    if set(found) <= {"traceparent"}:
        return {}, content_type
    return found, content_type


def http_attributes(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The CloudEvents attributes of HTTP headers in binary mode, percent-decoded."""
    found = {n.lower()[3:]: unquote(v) for n, v in headers if n.lower().startswith("ce-")}
    trace = next((v for n, v in headers if n.lower() == "traceparent"), None)
    return found | ({"traceparent": trace} if found and trace else {})


def decode_http(attributes: Mapping[str, str], body: bytes, accepts: Mapping[str, EventType]) -> Event:
    """The event of an HTTP request in binary mode; raises `Refused`."""
    return _binary(attributes, _JSON, body, accepts)


def decode_structured(event: Any, accepts: Mapping[str, EventType], traceparent: str | None = None) -> Event:
    """The event of a parsed structured-mode document; raises `Refused`."""
    if not isinstance(event, dict):
        raise refused("bad_envelope", "$", "a structured event is a JSON object")
    if "data" not in event:
        raise refused("bad_envelope", "$.data", "the event has no data")
    attributes = {k: v for k, v in event.items() if isinstance(v, str)}
    if event.get("datacontenttype", _JSON) != _JSON:
        raise refused("bad_envelope", "$.datacontenttype", f"the data are {_JSON}")
    attributes.setdefault("traceparent", traceparent or "")
    return _event(attributes, event["data"], None, accepts)


def encode(  # noqa: PLR0913
    *,
    id: str,
    source: str,
    type: str,
    subject: str,
    time: datetime | None = None,
    traceparent: str | None = None,
) -> list[tuple[str, bytes]]:
    """The Kafka headers of an event in binary mode; the body is the JSON of its data."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", type.encode()),
        ("ce_subject", subject.encode()),
        ("ce_dataschema", f"urn:corridor:schema:{type}".encode()),
        ("content-type", _JSON.encode()),
    ]
    if time is not None:
        headers.append(("ce_time", utc_text(time).encode()))
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    return headers


def structured(*, id: str, source: str, type: str, subject: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """A structured-mode document."""
    return {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": type,
        "subject": subject,
        "datacontenttype": _JSON,
        "data": data,
    }


def body_of(data: Data) -> bytes:
    """The JSON of outgoing data; defaults are left out."""
    return data.model_dump_json(exclude_defaults=True).encode()


def read_data(type_name: str, body: bytes) -> Data:
    """The data of a body that has been accepted before; raises `ValidationError` if it never was."""
    return adapter(type_name).validate_json(body)


@cache
def adapter(type_name: str) -> TypeAdapter[Data]:
    """The validator of a type of the catalogue."""
    return TypeAdapter(TYPES[type_name].model)


def _binary(
    attributes: Mapping[str, str], content_type: str, body: bytes, accepts: Mapping[str, EventType]
) -> Event:
    media = content_type.partition(";")[0].strip()
    if media not in ("", _JSON) and not media.endswith("+json"):
        raise refused("bad_header", "$.datacontenttype", f"the content type is {_JSON}, not {media[:80]}")
    try:
        data = parse_json(body, "$.data")
    except Refused as refusal:
        refusal.quote(attributes)
        raise
    return _event(attributes, data, body, accepts)


def _event(attributes: Mapping[str, str], data: Any, body: bytes | None, accepts: Mapping[str, EventType]) -> Event:
    try:
        return _read(attributes, data, canonical_json(data, "$.data") if body is None else body, accepts)
    except Refused as refusal:
        refusal.quote(attributes)
        raise


def _read(attributes: Mapping[str, str], data: Any, body: bytes, accepts: Mapping[str, EventType]) -> Event:
    if attributes.get("specversion") != "1.0":
        raise refused("bad_envelope", "$.specversion", "the CloudEvents version is 1.0")
    event_id, source = _attribute(attributes, "id"), _attribute(attributes, "source")
    kind = accepts.get(_attribute(attributes, "type"))
    if kind is None:
        raise refused("unknown_type", "$.type", f"this topic carries {', '.join(accepts)}")
    subject = _subject(_attribute(attributes, "subject"), kind)
    model = _validated(kind, data, body)
    digest = content_hash(kind.name, subject, data)
    return Event(event_id, source, kind.name, subject, model, body, digest, attributes.get("traceparent") or None)


def _attribute(attributes: Mapping[str, str], name: Literal["id", "source", "type", "subject"]) -> str:
    text = attributes.get(name, "")
    if not text or len(text) > _MAX_TEXT or not text.isprintable():
        raise refused("bad_envelope", f"$.{name}", f"{name} is a printable text of 1 to {_MAX_TEXT} characters")
    return text


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


def _validated(kind: EventType, data: Any, body: bytes) -> Data:
    if not isinstance(data, dict):
        raise refused("bad_field", "$.data", "the data are a JSON object")
    try:
        return adapter(kind.name).validate_json(body)
    except ValidationError as failure:
        raise Refused(*problems(failure)) from failure


def problems(failure: ValidationError) -> list[Problem]:
    """The problems of a failed validation, as paths into the structured event; at most 20."""
    found = failure.errors(include_url=False, include_context=False, include_input=False)[:20]
    return [
        Problem(_PROBLEMS.get(e["type"], "bad_field"), _path(e["loc"]), e["msg"][:300].strip()) for e in found
    ]


def _path(location: tuple[int | str, ...]) -> str:
    return "$.data" + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in location)[:400]


def _text(raw: bytes | None, name: str) -> str:
    try:
        return (raw if raw is not None else b"\xff").decode("utf-8")
    except UnicodeDecodeError as failure:
        raise refused("bad_header", f"$.{name.removeprefix('ce_')}", f"the header {name} is not UTF-8") from failure


def _traceparent(attributes: Mapping[str, str], headers: Headers) -> str | None:
    if "traceparent" in attributes:
        return attributes["traceparent"]
    return next((_text(v, n) for n, v in headers if n.lower() == "traceparent"), None)


def structured_body(document: Mapping[str, Any]) -> bytes:
    """The bytes of a structured-mode document."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
