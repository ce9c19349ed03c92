"""The messages and schemas of the AsyncAPI document.

Invariant: a payload is the committed schema, with its parts beside it under the type's name.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from contracts.catalogue import EventType
from contracts.envelope import codec
from contracts.identifiers import subjects
from contracts.tooling.examples_store import Golden
from contracts.tooling.json_schemas import SUBJECTS, schema_of

Node = dict[str, Any]

KAFKA_BINDING: Final = "0.5.0"
"""The version of AsyncAPI's Kafka binding."""
_KEYS: Final = {
    "subject": "The subject of the event, as in ce_subject.",
    "consignment": "The consignment, as in ce_subject.",
    "case": "The case, or what a hold stops, as in ce_subject.",
    "source": "The ce_source of the reports that are answered.",
    "entity": "The published entity, as in ce_subject: compaction keeps the newest record of each.",
    "original key": "The key of the record that was put aside.",
}


def message(kind: EventType, key: str, examples: Sequence[Golden]) -> Node:
    """The message of a type whose records have this kind of key, with its minimal example."""
    schema = schema_of(kind)
    fixed: Node = {"ce_type": {"const": kind.name}}
    if SUBJECTS in schema:
        fixed["ce_subject"] = {"pattern": f"^({'|'.join(schema[SUBJECTS])}):", "maxLength": subjects.MAX_KEY}
    return {
        "name": kind.name,
        "title": kind.name,
        "summary": schema["description"].partition("\n\n")[0],
        "contentType": codec.JSON,
        "headers": {
            "type": "object",
            "allOf": [{"$ref": "#/components/schemas/KafkaHeaders"}, {"type": "object", "properties": fixed}],
        },
        "payload": {"$ref": f"#/components/schemas/{kind.name}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": _KEYS[key]}, "bindingVersion": KAFKA_BINDING}},
        "examples": [_example(e.document) for e in examples if (e.type, e.case) == (kind.name, "minimal")],
    }


def _example(document: Mapping[str, Any]) -> Node:
    names = {name: document[name] for name in ("id", "source", "type", "subject")}
    headers = {name: value.decode() for name, value in codec.encode(**names)}
    return {"name": "minimal", "headers": headers, "payload": document["data"]}


def headers() -> Node:
    """The schema of a record's headers, the same for all types."""
    text: Node = {"type": "string", "minLength": 1, "maxLength": 400}
    return {
        "type": "object",
        "description": "CloudEvents attributes as UTF-8 headers; others are ignored.",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject"],
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": text | {"description": "With ce_source, what a report is known by; the same for its revisions."},
            "ce_source": text | {"description": "A source of the party that the topic belongs to."},
            "ce_type": text,
            "ce_subject": text | {"description": "What the event is about."},
            "ce_time": {"type": "string", "description": "Not interpreted."},
            "ce_dataschema": {"type": "string", "description": "The $id of the schema."},
            "content-type": {"type": "string", "description": f"{codec.JSON}, or absent."},
            "traceparent": {"type": "string", "description": "W3C Trace Context."},
        },
    }


def schemas(kind: EventType) -> dict[str, Node]:
    """The schema of a type and of its parts, the parts named after it, since types may share names but no form."""
    schema = {name: value for name, value in schema_of(kind).items() if name not in ("$schema", "$id")}
    parts = schema.pop("$defs", {})
    named = {kind.name: schema} | {f"{kind.name}.{part}": node for part, node in parts.items()}
    return {name: _relocated(node, kind.name) for name, node in named.items()}


def _relocated(node: Any, type_name: str) -> Any:
    if isinstance(node, list):
        return [_relocated(child, type_name) for child in node]
    if not isinstance(node, dict):
        return node
    found = {name: _relocated(child, type_name) for name, child in node.items()}
    if isinstance(found.get("$ref"), str):
        found["$ref"] = f"#/components/schemas/{type_name}.{found['$ref'].removeprefix('#/$defs/')}"
    return found
