"""What a release has fixed: one fixture for each way of breaking it, and the ways that are allowed."""

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from contracts.tooling import gates
from contracts.tooling.compatibility import breaking_changes
from contracts.tooling.examples_store import DIRECTORY
from contracts.tooling.frozen import read_document, violations
from contracts.tooling.generate import against_release, main
from contracts.tooling.released import PUBLISHED, newest_release, release

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "description": "A wagon report.",
    "type": "object",
    "required": ["wagon", "load"],
    "properties": {
        "wagon": {"type": "string", "maxLength": 12},
        "mass_kg": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}], "default": None},
        "cover": {"enum": ["none", "sheet"], "type": "string", "default": "none"},
        "state": {"x-known-values": ["empty", "laden"], "type": "string"},
        "load": {"items": {"$ref": "#/$defs/Load"}, "type": "array"},
        "next": {"anyOf": [{"$ref": "#/$defs/Load"}, {"type": "null"}], "default": None},
    },
    "$defs": {
        "Load": {
            "type": "object",
            "required": ["container"],
            "properties": {"container": {"type": "string"}, "within": {"$ref": "#/$defs/Load"}},
        }
    },
}
Change = Callable[[Any], object]


def changed(change: Change) -> list[str]:
    new = deepcopy(SCHEMA)
    change(new)
    return breaking_changes(SCHEMA, new)


ADDITIVE: dict[str, Change] = {
    "nothing": lambda s: None,
    "wider documentation": lambda s: s.update(description="A report about one wagon."),
    "documentation of a field": lambda s: s["properties"]["wagon"].update(description="Its number", examples=["1"]),
    "an optional field with a default": lambda s: s["properties"].update(axles={"type": "integer", "default": 4}),
    "the same in a part": lambda s: s["$defs"]["Load"]["properties"].update(slot={"type": "string", "default": ""}),
    "a new part": lambda s: (
        s["$defs"].update(Axle={"type": "object", "required": ["kg"], "properties": {"kg": {"type": "integer"}}}),
        s["properties"].update(axles={"items": {"$ref": "#/$defs/Axle"}, "type": "array", "default": []}),
    ),
    "a renamed part": lambda s: s.update(
        json.loads(json.dumps(s).replace("#/$defs/Load", "#/$defs/Cargo").replace('"Load":', '"Cargo":'))
    ),
    "a known value of an open enumeration": lambda s: s["properties"]["state"]["x-known-values"].append("hired"),
    "another order of required fields": lambda s: s["required"].reverse(),
}

BREAKING: dict[str, tuple[Change, str]] = {
    "a removed field": (lambda s: s["properties"].pop("mass_kg"), "$.mass_kg was removed"),
    "a renamed field": (
        lambda s: s["properties"].update(weight_kg=s["properties"].pop("mass_kg")),
        "$.mass_kg was removed",
    ),
    "a retyped field": (
        lambda s: s["properties"]["wagon"].update(type="integer"),
        "$.wagon: type was 'string' and is 'integer'",
    ),
    "a tightened field": (
        lambda s: s["properties"]["wagon"].update(maxLength=8),
        "$.wagon: maxLength was 12 and is 8",
    ),
    "a loosened field": (
        lambda s: s["properties"]["wagon"].pop("maxLength"),
        "$.wagon: maxLength was 12 and is None",
    ),
    "a limit that was not there": (
        lambda s: s["properties"]["wagon"].update(pattern="^[0-9]+$"),
        "$.wagon: pattern was None and is '^[0-9]+$'",
    ),
    "a newly required field": (lambda s: s["required"].append("cover"), "$.cover was optional and is required"),
    "a field no longer required": (lambda s: s["required"].remove("wagon"), "$.wagon was required and is optional"),
    "a new required field": (
        lambda s: (s["properties"].update(axles={"type": "integer"}), s["required"].append("axles")),
        "$.axles is new and has no default",
    ),
    "a new field without a default": (
        lambda s: s["properties"].update(axles={"type": "integer"}),
        "$.axles is new and has no default",
    ),
    "a new value of a closed enumeration": (
        lambda s: s["properties"]["cover"]["enum"].append("roof"),
        "$.cover: enum was ['none', 'sheet'] and is ['none', 'sheet', 'roof']",
    ),
    "another default": (
        lambda s: s["properties"]["cover"].update(default="sheet"),
        "$.cover: default was 'none' and is 'sheet'",
    ),
    "a null that is no longer allowed": (
        lambda s: s["properties"]["mass_kg"]["anyOf"].pop(),
        "$.mass_kg: anyOf was [{'type': 'integer', 'minimum': 0}, {'type': 'null'}] and is "
        "[{'type': 'integer', 'minimum': 0}]",
    ),
    "a tightened alternative": (
        lambda s: s["properties"]["mass_kg"]["anyOf"][0].update(minimum=1),
        "$.mass_kg: minimum was 0 and is 1",
    ),
    "a retyped field of a part": (
        lambda s: s["$defs"]["Load"]["properties"]["container"].update(type="integer"),
        "$.load[*].container: type was 'string' and is 'integer'",
    ),
    "forbidden unknown fields": (
        lambda s: s.update(additionalProperties=False),
        "$: additionalProperties was None and is False",
    ),
    "a list that became one thing": (
        lambda s: s["properties"].update(load={"$ref": "#/$defs/Load"}),
        "$.load: type was 'array' and is 'object'",
    ),
}


@pytest.mark.parametrize("name", ADDITIVE)
def test_an_additive_change_of_a_schema_is_allowed(name: str) -> None:
    assert changed(ADDITIVE[name]) == []


@pytest.mark.parametrize("name", BREAKING)
def test_a_breaking_change_of_a_schema_is_found(name: str) -> None:
    change, fault = BREAKING[name]
    assert fault in changed(change)


EXAMPLE = "examples/corridor.milestone.reported.v1/full.json"
CORRIDOR = "corridor/data/pk-ru.v1.yaml"
SCHEMA_FILE = "schemas/corridor.milestone.reported.v1.json"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A released and a current contracts folder, the same to begin with; a few files of each kind are enough."""
    kinds = (SCHEMA_FILE, EXAMPLE, "examples/corridor.hold.lifted.v1/*", "corridor/data/*", str(gates.ASYNCAPI))
    for source in (path for kind in kinds for path in DIRECTORY.glob(kind)):
        for name in ("released", "contracts"):
            target = tmp_path / name / source.relative_to(DIRECTORY)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return tmp_path / "released", tmp_path / "contracts"


def test_the_same_folder_breaks_nothing(folders: tuple[Path, Path]) -> None:
    assert violations(*folders) == []


def test_nothing_released_is_broken_by_anything(folders: tuple[Path, Path], tmp_path: Path) -> None:
    assert violations(tmp_path / "nowhere", folders[1]) == []


def test_new_files_break_nothing(folders: tuple[Path, Path]) -> None:
    released, current = folders
    for name in (EXAMPLE, CORRIDOR, SCHEMA_FILE):
        (released / name).unlink()
    assert violations(released, current) == []


@pytest.mark.parametrize("name", [EXAMPLE, CORRIDOR])
def test_an_edited_file_is_found(folders: tuple[Path, Path], name: str) -> None:
    with (folders[1] / name).open("a") as file:
        file.write("\n")
    assert violations(*folders) == [f"{name} was edited; add another file beside it"]


@pytest.mark.parametrize("name", [EXAMPLE, CORRIDOR])
def test_a_renamed_file_is_found(folders: tuple[Path, Path], name: str) -> None:
    (folders[1] / name).rename((folders[1] / name).with_stem("renamed"))
    assert violations(*folders) == [f"{name} was deleted or renamed"]


def test_a_deleted_schema_is_found(folders: tuple[Path, Path]) -> None:
    (folders[1] / SCHEMA_FILE).unlink()
    assert violations(*folders) == [f"{SCHEMA_FILE} was deleted or renamed; a type is retired, never removed"]


def test_a_deleted_folder_of_examples_is_found(folders: tuple[Path, Path]) -> None:
    shutil.rmtree(folders[1] / "examples" / "corridor.hold.lifted.v1")
    assert len(violations(*folders)) == len(list((folders[0] / "examples" / "corridor.hold.lifted.v1").iterdir()))


def test_a_new_milestone_code_is_found_for_the_list_is_closed(folders: tuple[Path, Path]) -> None:
    path = folders[1] / SCHEMA_FILE
    path.write_text(path.read_text().replace('"MTRT"', '"MTRT",\n        "WASH"'))
    (fault,) = violations(*folders)
    assert fault.startswith(f"{SCHEMA_FILE}: $.code: enum was") and fault.endswith("this needs a new .vN type")


def rewritten(path: Path, change: Change) -> None:
    document = read_document(path)
    change(document)
    # JSON is YAML, and much faster to write.
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda d: d["channels"].pop("dlq"), "the topic {service}-dlq was removed or renamed"),
        (
            lambda d: d["channels"]["receipts"].update(address="receipt-{party}"),
            "the topic receipts-{party} was removed or renamed",
        ),
        (
            lambda d: d["channels"]["receipts"]["messages"].clear(),
            "the topic receipts-{party} no longer carries corridor.receipt.issued.v1",
        ),
    ],
)
def test_a_topic_that_is_gone_or_carries_less_is_found(folders: tuple[Path, Path], change: Change, fault: str) -> None:
    rewritten(folders[1] / gates.ASYNCAPI, change)
    assert f"{gates.ASYNCAPI}: {fault}" in violations(*folders)


@pytest.fixture
def contracts(folders: tuple[Path, Path]) -> Path:
    """A contracts folder of which nothing is released."""
    shutil.rmtree(folders[0])
    return folders[1]


def test_without_a_release_nothing_is_frozen_and_that_is_said(contracts: Path) -> None:
    (contracts / "released" / "next").mkdir(parents=True)

    assert against_release(contracts) == ([], "nothing is released yet, so nothing is frozen")


def test_what_breaks_a_release_is_found(contracts: Path) -> None:
    release(contracts, "v1.0.0")
    assert against_release(contracts) == ([], "compared with release v1.0.0")

    (contracts / EXAMPLE).unlink()
    assert against_release(contracts)[0] == [f"{EXAMPLE} was deleted or renamed"]


def test_the_newest_release_is_what_counts(contracts: Path) -> None:
    for version in ("v0.9.0", "v0.10.0"):
        release(contracts, version)

    newest = newest_release(contracts)
    assert newest is not None and newest.name == "v0.10.0"


@pytest.mark.parametrize("version", ["1.0", "v1.x", "v0.9.0", "v0.8"])
def test_a_release_is_written_once_and_its_version_rises(contracts: Path, version: str) -> None:
    release(contracts, "v0.9.0")

    with pytest.raises(ValueError, match=version):
        release(contracts, version)


def test_a_faulty_state_is_not_released(contracts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (contracts / SCHEMA_FILE).unlink()

    assert main(["release", "v1.0.0", "--directory", str(contracts)]) == 1
    assert newest_release(contracts) is None


def test_the_command_writes_a_release_of_the_committed_state(tmp_path: Path) -> None:
    for folder in PUBLISHED:
        shutil.copytree(DIRECTORY / folder, tmp_path / folder)

    assert main(["release", "v1.0.0", "--directory", str(tmp_path)]) == 0
    assert against_release(tmp_path) == ([], "compared with release v1.0.0")


def test_the_committed_state_breaks_no_release() -> None:
    assert against_release(DIRECTORY)[0] == []
