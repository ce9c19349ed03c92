"""The gates of the contracts: what must hold before a change is taken.

Invariant: a gate is a pure function of a contracts folder that returns what is wrong, each with where and why; an
empty list passes. Every gate has a test that it can fail.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args

from contracts import topics
from contracts.catalogue import TYPES
from contracts.envelope import codec
from contracts.envelope.canonical import parse_json
from contracts.envelope.codec import Event
from contracts.refusal import Refused
from contracts.tooling.asyncapi_document import asyncapi_text
from contracts.tooling.examples_store import DIRECTORY, Golden, load, missing_from, strangers
from contracts.tooling.json_schemas import schema_text
from contracts.topics import Topic

ASYNCAPI: Final = Path("asyncapi/corridor.v1.yaml")
_KEPT_MS: Final = str(30 * 24 * 60 * 60 * 1000)
Mode = Literal["binary", "structured"]

_LIMIT: Final = topics.MAX_PUBLISHED
# Dots and underscores collide in Kafka's metric names, so that neither is used.
_PART: Final = r"(?:[a-z]+|<(?:party|authority|country|service)>)"
_LEGAL: Final = re.compile(rf"{_PART}(?:-{_PART})*", re.ASCII)


def generated(directory: Path = DIRECTORY) -> dict[Path, str]:
    """Every generated file, relative to the contracts folder, with its content."""
    schemas = {Path("schemas") / f"{name}.json": schema_text(kind) for name, kind in TYPES.items()}
    return schemas | {ASYNCAPI: asyncapi_text(load(directory))}


def generated_files(directory: Path) -> list[Path]:
    """Every file where generated ones are kept, relative to the contracts folder."""
    paths = (path for folder in ("schemas", "asyncapi") for path in (directory / folder).rglob("*"))
    return sorted(path.relative_to(directory) for path in paths if path.is_file())


def stale(directory: Path = DIRECTORY) -> list[str]:
    """Gate 1: generated files that are not as the generator writes them, and files that it does not write."""
    wanted, found = generated(directory), generated_files(directory)
    orphans = [f"{path} belongs to no type; run make contracts" for path in found if path not in wanted]
    missing = [f"{path} is missing; run make contracts" for path in wanted if path not in found]
    # Bytes, so that line ends count as well.
    differs = [p for p in wanted if p in found and (directory / p).read_bytes() != wanted[p].encode()]
    return orphans + missing + [f"{path} differs from its model; run make contracts" for path in differs]


def incomplete(directory: Path = DIRECTORY) -> list[str]:
    """Gate 2: types without a minimal and a full example or, if sent to us, a retraction; and examples of nothing."""
    examples = load(directory)
    lacks = (missing_from(kind, [e for e in examples if e.type == kind.name]) for kind in TYPES.values())
    return [*strangers(directory), *(fault for faults in lacks for fault in faults)]


def unfaithful(examples: Iterable[Golden]) -> list[str]:
    """Gate 3: examples that do not come back the same after decoding and encoding, in either mode."""
    return [fault for example in examples for fault in _faults(example, _round_trips)]


def intolerant(examples: Iterable[Golden]) -> list[str]:
    """Gate 4: examples that mean something else once fields are added that no reader knows."""
    return [fault for example in examples for fault in _faults(example, _ignores_unknown)]


def irregular(table: tuple[Topic, ...] = topics.TABLE) -> list[str]:
    """Gate 6: topics with bad names or settings, and types that no topic, or more than one ingress topic, carries."""
    carried = Counter(name for row in table for name in row.types)
    entries = Counter(name for row in table if row.ingress for name in row.types)
    lonely = [f"no topic carries {name}" for name in TYPES if not carried[name]]
    twice = [f"{name} arrives on {count} topics" for name, count in entries.items() if count > 1]
    queues = {f"{service}-dlq" for service in topics.SERVICES}
    served = {row.of(service) for row in table for service in topics.SERVICES if "<service>" in row.name}
    return [*lonely, *twice, *(f"no topic {name}" for name in sorted(queues - served)), *_bad_rows(table)]


def _faults(example: Golden, check: Any) -> Iterator[str]:
    try:
        before = codec.decode_structured(example.document, TYPES)
        if example.document["type"] != example.type:
            yield f"{example.name} is a {example.document['type']}"
        yield from (f"{example.name} {fault}" for fault in check(example, before))
    except Refused as refusal:
        yield f"{example.name} is refused: {refusal}"


def _round_trips(example: Golden, before: Event) -> Iterator[str]:
    for mode in get_args(Mode):
        headers, value = record_of(before, mode)
        after = codec.decode_record(headers, value, TYPES, _LIMIT)
        if after.content_hash != before.content_hash or after.data != before.data:
            yield f"does not survive {mode} mode"
    if codec.read_data(before.type, codec.body_of(before.data)) != before.data:
        yield "is not the same once its model is written"


def record_of(event: Event, mode: Mode) -> tuple[list[tuple[str, bytes]], bytes]:
    """The headers and the value of the Kafka record that carries an event."""
    if mode == "binary":
        headers = codec.encode(
            id=event.id,
            source=event.source,
            type=event.type,
            subject=event.subject,
            traceparent=event.traceparent,
        )
        return headers, event.body
    document = codec.structured(
        id=event.id, source=event.source, type=event.type, subject=event.subject, data=parse_json(event.body)
    )
    return [("content-type", codec.STRUCTURED.encode())], codec.structured_body(document)


def _ignores_unknown(example: Golden, before: Event) -> Iterator[str]:
    after = codec.decode_structured(with_unknown_fields(example.document), TYPES)
    if after.data != before.data:
        yield "reads otherwise with unknown fields"
    if after.content_hash == before.content_hash:
        yield "has a content hash that leaves unknown fields out"


def with_unknown_fields(value: Any) -> Any:
    """The value with a field that nobody knows in each of its objects."""
    if isinstance(value, list):
        return [with_unknown_fields(child) for child in value]
    if not isinstance(value, Mapping):
        return value
    return {name: with_unknown_fields(child) for name, child in value.items()} | {"unknownfield": {"of": ["later"]}}


def _bad_rows(table: tuple[Topic, ...]) -> Iterator[str]:
    for row in table:
        config = row.config()
        if config.get("message.timestamp.type") != "LogAppendTime":
            yield f"{row.name} does not keep the broker's time"
        kept = config.get("cleanup.policy"), config.get("retention.ms")
        if kept != (("compact", None) if row.compacted else ("delete", _KEPT_MS)):
            yield f"{row.name} is kept by {kept}"
        if int(config["max.message.bytes"]) <= (topics.MAX_INCOMING if row.ingress else _LIMIT):
            yield f"{row.name} does not take records up to our own limit"
        if not _LEGAL.fullmatch(row.name):
            yield f"{row.name} is no legal topic name"
