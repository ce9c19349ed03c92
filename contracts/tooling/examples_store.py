"""The golden examples: one structured-mode CloudEvents document in each file `examples/<type>/<case>.json`.

Invariant: a case is named for the reason why it exists, and a released file is never edited. `minimal` has only
what is required, the cases that begin with `full` have together everything that can be said.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contracts.catalogue import TYPES, EventType
from contracts.envelope.canonical import parse_json
from contracts.refusal import Refused
from contracts.tooling.json_schemas import schema_of

DIRECTORY: Final = Path(__file__).parent.parent
_CASE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Golden:
    """One file: the type it is filed under, its case and its document."""

    type: str
    case: str
    document: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.type}/{self.case}"


def load(directory: Path = DIRECTORY) -> list[Golden]:
    """All examples under a contracts folder, by type and case; a file that is no JSON object is left to `strangers`."""
    paths = sorted((directory / "examples").glob("*/*.json"))
    read = ((path, _object(path)) for path in paths)
    return [Golden(path.parent.name, path.stem, document) for path, document in read if document is not None]


def _object(path: Path) -> dict[str, Any] | None:
    try:
        document = parse_json(path.read_bytes())
    except Refused:
        return None
    return document if isinstance(document, dict) else None


def strangers(directory: Path) -> Iterator[str]:
    """Files under `examples/` that are no example of a type of the catalogue."""
    for path in sorted((directory / "examples").rglob("*")):
        place = path.relative_to(directory)
        if path.is_dir():
            if path.name not in TYPES:
                yield f"{place}: there is no type {path.name}"
        elif len(place.parts) != 3 or path.suffix != ".json" or not _CASE.fullmatch(path.stem):
            yield f"{place} is not named <type>/<case>.json"
        elif _object(path) is None:
            yield f"{place} is no JSON object"


def missing_from(kind: EventType, examples: list[Golden]) -> Iterator[str]:
    """What the examples of one type lack."""
    cases = {example.case: example for example in examples}
    folder = f"examples/{kind.name}"
    yield from (f"{folder}/{case}.json is missing; write it" for case in ("minimal", "full") if case not in cases)
    if kind.incoming and not any(_retracts(one) for one in examples):
        yield f"{folder}: no case has retracted true; write one that voids an earlier report"
    schema = schema_of(kind)
    if "minimal" in cases:
        extra = sorted(set(cases["minimal"].document.get("data", {})) - set(schema["required"]) - _either(schema))
        yield from (f"{folder}/minimal.json has {name}, which is not required; take it out" for name in extra)
    said = [example.document.get("data") for case, example in cases.items() if case.startswith("full")]
    if said:
        yield from (
            f"{folder}: no case that begins with full has {field}; write one" for field in _unsaid(schema, said)
        )


def _retracts(example: Golden) -> bool:
    data = example.document.get("data")
    return isinstance(data, dict) and data.get("retracted") is True


def _either(schema: Mapping[str, Any]) -> set[str]:
    """Fields of which one has to be there."""
    return {name for choice in schema.get("anyOf", ()) for name in choice.get("required", ())}


def _unsaid(schema: Mapping[str, Any], values: list[Any]) -> list[str]:
    """The fields that none of the values has; those of a part count wherever the part stands."""
    parts = {"$.data": schema, **schema.get("$defs", {})}
    said: dict[str, set[str]] = {part: set() for part in parts}

    def walk(node: Mapping[str, Any], value: Any, part: str) -> None:
        if "$ref" in node:
            part = node["$ref"].removeprefix("#/$defs/")
            node = parts[part]
        for choice in node.get("anyOf", ()):
            walk(choice, value, part)
        for item in value if "items" in node and isinstance(value, list) else ():
            walk(node["items"], item, part)
        for name, child in node.get("properties", {}).items():
            if isinstance(value, dict) and value.get(name) is not None:
                said[part].add(name)
                walk(child, value[name], part)

    for value in values:
        walk(schema, value, "$.data")
    return [f"{part}.{name}" for part, node in parts.items() for name in node["properties"] if name not in said[part]]
