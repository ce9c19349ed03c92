"""The parts of the OpenAPI documents that FastAPI cannot derive: problems, and the bodies of reports.

Invariant: the document names every status that a route answers, and each failure is a problem (RFC 9457).
"""

from typing import Any, Final

from fastapi import FastAPI
from pydantic import TypeAdapter

from contracts.envelope.codec import BATCH, JSON, STRUCTURED
from contracts.refusal import Problem

PROBLEM: Final = "application/problem+json"
# The failures of every route that requires a token.
ASKED: Final = (401, 422, 429, 503)
_TEXT: Final = {"type": "string"}
_PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457); `problems` names each fault of a report, and how to mend it",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "problems": {"type": "array", "items": TypeAdapter(Problem).json_schema()},
    },
}
_ATTRIBUTES: Final = ("id", "source", "type", "subject")
_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Event",
    "description": "A CloudEvent in structured mode; `data` is as the JSON Schema of its type says",
    "required": ["specversion", *_ATTRIBUTES, "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        **{name: {"type": "string", "minLength": 1, "maxLength": 400} for name in _ATTRIBUTES},
        "datacontenttype": {"const": JSON},
        "data": {"type": "object"},
    },
}
_SCHEMAS: Final = {"Problem": _PROBLEM_SCHEMA, "Event": _EVENT}

REPORTS: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            STRUCTURED: {"schema": {"$ref": "#/components/schemas/Event"}},
            BATCH: {"schema": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Event"}}},
            JSON: {"schema": {"type": "object", "description": "the data alone; the attributes are ce- headers"}},
        },
    }
}
"""The body of `POST /v1/events`, which our codec reads, not the framework."""


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses documented as problems, for `responses` of a route or router."""
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"content": content} for status in sorted(statuses)}


def complete(app: FastAPI) -> None:
    """Adds the schemas that routes refer to, to an app's document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        document.setdefault("components", {}).setdefault("schemas", {}).update(_SCHEMAS)
        return document

    app.openapi = openapi  # type: ignore[method-assign]
