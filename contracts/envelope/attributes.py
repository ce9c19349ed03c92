"""The CloudEvents envelope: attributes in Kafka and HTTP headers, and the headers that we write.

Invariant: an attribute has one value or the record is refused; a trace header never costs a report, so that a
broken one is dropped.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import unquote

from contracts.envelope.canonical import write_json
from contracts.events.fields import utc_text
from contracts.refusal import Refused, printable, refused

Headers = Sequence[tuple[str, bytes | None]]

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
JSON: Final = "application/json"
SCHEMA_PREFIX: Final = "urn:corridor:schema:"

_MAX_TEXT: Final = 400
_TRACE: Final = ("traceparent", "ce_traceparent", "ce-traceparent")
# W3C Trace Context, version 00 and what later versions must keep of it.
_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_QUOTED: Final = re.compile(r"\\(.)")


def kafka_attributes(headers: Headers) -> tuple[dict[str, str], str]:
    """The CloudEvents attributes and the content type of a record's headers; raises `Refused`.

    The attributes are empty for a record in structured mode without any; `traceparent` is among them.
    """
    found: dict[str, str] = {}
    trace: dict[str, bytes | None] = {}
    try:
        for name, raw in headers:
            low = name.lower()
            if low in _TRACE:
                trace.setdefault(low, raw)
            elif low == "content-type" or low.startswith("ce_"):
                _add(found, low.removeprefix("ce_"), raw, low)
    except Refused as refusal:
        refusal.quote(found)
        raise
    content_type = found.pop("content-type", "")
    return found | trace_attribute(*(_lenient(trace.get(name)) for name in _TRACE)), content_type


def _add(found: dict[str, str], attribute: str, raw: bytes | None, header: str) -> None:
    if attribute in found:
        raise refused("bad_header", _place(attribute), f"the header {printable(header, 80)} stands twice")
    try:
        # A null header has no text, which is the same fault as one that is no text.
        found[attribute] = (b"\xff" if raw is None else raw).decode("utf-8")
    except UnicodeDecodeError as failure:
        raise refused("bad_header", _place(attribute), f"the header {printable(header, 80)} is not UTF-8") from failure


def _place(attribute: str) -> str:
    return "$.datacontenttype" if attribute == "content-type" else f"$.{printable(attribute, 80)}"


def _lenient(raw: bytes | None) -> str:
    return (raw or b"").decode("ascii", "replace")


def trace_attribute(*candidates: object) -> dict[str, str]:
    """The first candidate that is a W3C `traceparent`, as an attribute; empty where none is."""
    for text in candidates:
        if isinstance(text, str) and _TRACEPARENT.fullmatch(text):
            return {"traceparent": text}
    return {}


def http_attributes(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The CloudEvents attributes of HTTP headers in binary mode, unquoted and percent-decoded; raises `Refused`."""
    found: dict[str, str] = {}
    trace: dict[str, str] = {}
    for name, value in headers:
        low = name.lower()
        if low in _TRACE:
            trace.setdefault(low, value)
        elif low.startswith("ce-"):
            _add(found, low[3:], _http_text(value), low)
    return found | (trace_attribute(*(trace.get(name) for name in _TRACE)) if found else {})


def _http_text(value: str) -> bytes | None:
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _QUOTED.sub(r"\1", value[1:-1])
    try:
        return unquote(value, errors="strict").encode()
    except ValueError:
        return None


def media_type(content_type: str) -> str:
    """The media type of a content type, in lower case and without parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_json(content_type: str) -> bool:
    """Whether data of this content type are JSON; where none is given, they are."""
    media = media_type(content_type)
    return media in ("", JSON) or media.endswith("+json")


def attribute(attributes: Mapping[str, str], name: Literal["id", "source", "type", "subject"]) -> str:
    """A required attribute; raises `Refused`."""
    text = attributes.get(name, "")
    if not text or len(text) > _MAX_TEXT or not text.isprintable():
        raise refused("bad_envelope", f"$.{name}", f"{name} is a printable text of 1 to {_MAX_TEXT} characters")
    return text


def encode(
    *, id: str, source: str, type: str, subject: str, time: datetime | None = None, traceparent: str | None = None
) -> list[tuple[str, bytes]]:
    """The Kafka headers of an event in binary mode; the body is the JSON of its data."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", type.encode()),
        ("ce_subject", subject.encode()),
        ("ce_dataschema", f"{SCHEMA_PREFIX}{type}".encode()),
        ("content-type", JSON.encode()),
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
        "datacontenttype": JSON,
        "data": data,
    }


def structured_body(document: Mapping[str, Any]) -> bytes:
    """The bytes of a structured-mode document."""
    return write_json(document)
