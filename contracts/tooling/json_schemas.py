"""The JSON Schema of each event type, made from its model.

Invariant: the same model gives the same bytes. Enumerations of incoming types are closed; those of published
types are open, so that the schema names the known values and allows others.
"""

import json
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from contracts.catalogue import EventType
from contracts.envelope.attributes import SCHEMA_PREFIX

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
KNOWN: Final = "x-known-values"
"""The keyword of an open enumeration: a reader treats any other value as `other`."""
SUBJECTS: Final = "x-subject-kinds"
"""The keyword for what `ce_subject` may name; absent where any text is allowed."""


class _Plain(GenerateJsonSchema):
    """Without the titles that only repeat the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema_of(kind: EventType) -> dict[str, Any]:
    """The schema of a type's data."""
    generated = TypeAdapter(kind.model).json_schema(schema_generator=_Plain)
    generated.pop("title")
    body = _reflowed(generated if kind.incoming else _opened(generated))
    head: dict[str, Any] = {"$schema": DIALECT, "$id": f"{SCHEMA_PREFIX}{kind.name}", "title": kind.name}
    if kind.subjects:
        head[SUBJECTS] = list(kind.subjects)
    order = ("description", "type", "required", "properties", "$defs")
    return {**head, **{name: body[name] for name in order if name in body}, **body}


def schema_text(kind: EventType) -> str:
    """The schema as it is committed."""
    return json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n"


def _opened(node: Any) -> Any:
    """The schema with its enumerations turned into lists of known values."""
    if isinstance(node, list):
        return [_opened(child) for child in node]
    if not isinstance(node, dict):
        return node
    values = node.get("enum", [node["const"]] if "const" in node else None)
    if values is None or not all(isinstance(v, str) for v in values):
        return {name: _opened(child) for name, child in node.items()}
    return {k: v for k, v in node.items() if k not in ("enum", "const")} | {KNOWN: values}


def _reflowed(node: Any) -> Any:
    """The schema with the line breaks of docstrings taken out, paragraphs kept."""
    if isinstance(node, list):
        return [_reflowed(child) for child in node]
    if not isinstance(node, dict):
        return node
    return {name: _paragraphs(child) if name == "description" else _reflowed(child) for name, child in node.items()}


def _paragraphs(text: Any) -> Any:
    if not isinstance(text, str):
        # A property of the name, not the keyword.
        return _reflowed(text)
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
