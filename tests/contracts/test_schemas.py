"""The committed JSON Schemas: what the generator writes, and what independent code makes of them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from contracts.catalogue import TYPES
from contracts.tooling import gates
from contracts.tooling.examples_store import DIRECTORY
from contracts.tooling.generate import main
from contracts.tooling.json_schemas import KNOWN, schema_text
from tests.support.examples import Example, load_examples

NAMES = sorted(TYPES)
INCOMING = [name for name in NAMES if TYPES[name].incoming]
PUBLISHED = [name for name in NAMES if not TYPES[name].incoming]


def committed(name: str) -> dict[str, Any]:
    return dict(json.loads((DIRECTORY / "schemas" / f"{name}.json").read_bytes()))


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(child)


def test_committed_files_are_what_the_generator_writes() -> None:
    assert gates.stale() == []


@pytest.mark.parametrize("name", NAMES)
def test_generating_twice_gives_the_same_bytes(name: str) -> None:
    assert schema_text(TYPES[name]) == schema_text(TYPES[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_valid_in_its_dialect(name: str) -> None:
    Draft202012Validator.check_schema(committed(name))


@pytest.mark.parametrize("name", NAMES)
def test_the_id_of_a_schema_is_the_dataschema_that_we_write(name: str) -> None:
    assert committed(name)["$id"] == f"urn:corridor:schema:{name}"


@pytest.mark.parametrize("example", load_examples(), ids=lambda e: e.name)
def test_an_example_is_valid_for_its_schema(example: Example) -> None:
    Draft202012Validator(committed(example.type)).validate(example.document["data"])


@pytest.mark.parametrize("name", INCOMING)
def test_enumerations_of_incoming_types_are_closed(name: str) -> None:
    assert not [node for node in nodes(committed(name)) if KNOWN in node]


@pytest.mark.parametrize("name", PUBLISHED)
def test_enumerations_of_published_types_are_open(name: str) -> None:
    assert not [node for node in nodes(committed(name)) if "enum" in node or "const" in node]


@pytest.mark.parametrize("name", NAMES)
def test_unknown_fields_are_allowed_everywhere(name: str) -> None:
    assert not [node for node in nodes(committed(name)) if "additionalProperties" in node]


def test_a_schema_refuses_a_code_that_is_not_in_the_table() -> None:
    milestone = Draft202012Validator(committed("corridor.milestone.reported.v1"))
    data = next(e for e in load_examples("corridor.milestone.reported.v1") if e.case == "minimal").document["data"]
    assert milestone.is_valid(data)
    assert not milestone.is_valid(data | {"code": "ZZZ"})


def test_a_schema_asks_a_decision_who_made_it() -> None:
    decision = Draft202012Validator(committed("corridor.decision.issued.v1"))
    data = dict(next(e for e in load_examples("corridor.decision.issued.v1") if e.case == "minimal").document["data"])
    del data["officer"]
    assert not decision.is_valid(data)


def test_the_check_passes_on_the_committed_state(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert "0 fault(s)" in capsys.readouterr().out
