"""Each gate of the contracts refuses a fixture made wrong for it: a gate that cannot fail guards nothing."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ConfigDict

from contracts import catalogue, topics
from contracts.envelope import codec
from contracts.envelope.codec import Event
from contracts.events.operator import MilestoneReported
from contracts.tooling import gates
from contracts.tooling.examples_store import DIRECTORY, Golden, load
from contracts.tooling.generate import check, main, write
from contracts.tooling.released import PUBLISHED
from contracts.topics import TABLE, Topic

MILESTONE = "corridor.milestone.reported.v1"
SCHEMA = Path("schemas") / f"{MILESTONE}.json"
EXAMPLES = Path("examples") / MILESTONE


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The parts of the contracts folder that are files for others, to be spoilt."""
    for folder in PUBLISHED:
        shutil.copytree(DIRECTORY / folder, tmp_path / "contracts" / folder)
    return tmp_path / "contracts"


def edited(path: Path, change: Callable[[Any], Any]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_bytes())), indent=2) + "\n", encoding="utf-8")


def test_an_untouched_copy_passes(copy: Path) -> None:
    assert check(copy)[0] == []


def test_generated_an_edited_schema_fails(copy: Path) -> None:
    edited(copy / SCHEMA, lambda schema: schema | {"description": "by hand"})
    assert gates.stale(copy) == [f"{SCHEMA} differs from its model; run make contracts"]


def test_generated_another_line_end_fails(copy: Path) -> None:
    (copy / SCHEMA).write_bytes((copy / SCHEMA).read_bytes().replace(b"\n", b"\r\n"))
    assert gates.stale(copy) == [f"{SCHEMA} differs from its model; run make contracts"]


def test_generated_a_missing_schema_fails(copy: Path) -> None:
    (copy / SCHEMA).unlink()
    assert gates.stale(copy) == [f"{SCHEMA} is missing; run make contracts"]


@pytest.mark.parametrize("name", ["schemas/corridor.ship.sailed.v1.json", "schemas/notes.txt", "asyncapi/old.yaml"])
def test_generated_an_orphan_fails(copy: Path, name: str) -> None:
    (copy / name).write_text("{}")
    assert gates.stale(copy) == [f"{name} belongs to no type; run make contracts"]


def test_generated_an_edited_asyncapi_document_fails(copy: Path) -> None:
    with (copy / gates.ASYNCAPI).open("a") as document:
        document.write("x-more: true\n")
    assert gates.stale(copy) == [f"{gates.ASYNCAPI} differs from its model; run make contracts"]


def test_generated_writing_mends_what_the_gate_finds(copy: Path) -> None:
    (copy / SCHEMA).unlink()
    (copy / "schemas" / "orphan.json").write_text("{}")
    assert write(copy) == [SCHEMA, Path("schemas/orphan.json")]
    assert gates.stale(copy) == []


@pytest.mark.parametrize("case", ["minimal", "full"])
def test_complete_a_type_without_minimal_or_full_fails(copy: Path, case: str) -> None:
    (copy / EXAMPLES / f"{case}.json").unlink()
    assert f"examples/{MILESTONE}/{case}.json is missing; write it" in gates.incomplete(copy)


def test_complete_a_full_example_that_leaves_a_field_out_fails(copy: Path) -> None:
    path = copy / "examples" / catalogue.PLANNED / "full.json"
    edited(path, lambda e: e | {"data": {k: v for k, v in e["data"].items() if k != "route_variant"}})
    folder = f"examples/{catalogue.PLANNED}"
    assert gates.incomplete(copy) == [f"{folder}: no case that begins with full has $.data.route_variant; write one"]


def test_complete_a_full_example_that_leaves_a_field_of_a_part_out_fails(copy: Path) -> None:
    path = copy / "examples" / catalogue.PLANNED / "full.json"
    edited(path, lambda e: e | {"data": e["data"] | {"calls": [{"point": "pk-lahore"}]}})
    folder = f"examples/{catalogue.PLANNED}"
    assert gates.incomplete(copy) == [
        f"{folder}: no case that begins with full has Call.{field}; write one" for field in ("arrival", "departure")
    ]


def test_complete_a_type_that_is_sent_to_us_without_a_retraction_fails(copy: Path) -> None:
    for path in (copy / EXAMPLES).glob("*.json"):
        edited(path, lambda e: e | {"data": {k: v for k, v in e["data"].items() if k != "retracted"}})
    told = f"examples/{MILESTONE}: no case has retracted true; write one that voids an earlier report"
    assert told in gates.incomplete(copy)


def test_complete_a_minimal_example_that_says_more_fails(copy: Path) -> None:
    edited(copy / EXAMPLES / "minimal.json", lambda e: e | {"data": e["data"] | {"remarks": "more"}})
    assert gates.incomplete(copy) == [
        f"examples/{MILESTONE}/minimal.json has remarks, which is not required; take it out"
    ]


@pytest.mark.parametrize(
    "name", [f"{MILESTONE}/Not Kebab.json", f"{MILESTONE}/notes.md", f"{MILESTONE}/deep/er.json", "loose.json"]
)
def test_complete_a_file_that_is_no_example_fails(copy: Path, name: str) -> None:
    path = copy / "examples" / name
    path.parent.mkdir(exist_ok=True)
    shutil.copy(copy / EXAMPLES / "minimal.json", path)
    assert gates.incomplete(copy)


def test_complete_an_example_of_no_type_fails(copy: Path) -> None:
    shutil.copytree(copy / EXAMPLES, copy / "examples" / "corridor.ship.sailed.v1")
    assert gates.incomplete(copy) == ["examples/corridor.ship.sailed.v1: there is no type corridor.ship.sailed.v1"]


def one(change: Callable[[dict[str, Any]], dict[str, Any]]) -> list[Golden]:
    golden = next(e for e in load() if (e.type, e.case) == (MILESTONE, "full"))
    return [replace(golden, document=change(golden.document))]


def test_faithful_an_example_under_another_type_fails() -> None:
    golden = replace(one(dict)[0], type=catalogue.PLANNED)
    assert gates.unfaithful([golden]) == [f"{catalogue.PLANNED}/full is a {MILESTONE}"]


def test_faithful_an_example_that_is_refused_fails() -> None:
    (fault,) = gates.unfaithful(one(lambda e: e | {"subject": "container:KTZU2040606"}))
    assert fault.startswith(f"{MILESTONE}/full is refused: check_digit at $.subject")


def test_faithful_a_codec_that_loses_something_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "body_of", lambda data: data.model_copy(update={"remarks": None}).model_dump_json())
    assert gates.unfaithful(one(dict)) == [f"{MILESTONE}/full is not the same once its model is written"]


def test_faithful_a_mode_that_loses_something_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = gates.record_of

    def lossy(event: Event, mode: gates.Mode) -> tuple[list[tuple[str, bytes]], bytes]:
        headers, value = honest(event, mode)
        return headers, value.replace(b'"bolt"', b'"wire"') if mode == "structured" else value

    monkeypatch.setattr(gates, "record_of", lossy)
    assert gates.unfaithful(one(dict)) == [f"{MILESTONE}/full does not survive structured mode"]


def test_tolerant_a_reader_that_forbids_unknown_fields_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidding(MilestoneReported):
        """A model that a careless change could make."""

        model_config = ConfigDict(extra="forbid")

    monkeypatch.setattr(codec, "read_data", lambda name, body: Forbidding.model_validate_json(body))
    assert "is refused: bad_field at $.data.unknownfield" in gates.intolerant(one(dict))[0]


def test_tolerant_a_hash_that_leaves_unknown_fields_out_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "content_hash", lambda name, subject, data: b"the same")
    assert gates.intolerant(one(dict)) == [f"{MILESTONE}/full has a content hash that leaves unknown fields out"]


def with_row(row: Topic) -> tuple[Topic, ...]:
    return tuple(row if old.key == row.key and old.readers == row.readers else old for old in TABLE)


def test_regular_a_type_that_no_topic_carries_fails() -> None:
    table = with_row(replace(topics.DECLARATIONS, types=(catalogue.LODGED,)))
    assert gates.irregular(table) == [f"no topic carries {catalogue.CANCELLED}"]


def test_regular_a_type_that_arrives_on_two_topics_fails() -> None:
    table = with_row(replace(topics.DECLARATIONS, types=(*topics.DECLARATIONS.types, MILESTONE)))
    assert gates.irregular(table) == [f"{MILESTONE} arrives on 2 topics"]


def test_regular_a_service_without_dead_letters_fails() -> None:
    table = with_row(replace(topics.DLQ, name="tracking-dlq"))
    assert gates.irregular(table) == ["no topic customs-dlq", "no topic notifications-dlq", "no topic tracking-dlq"]


@pytest.mark.parametrize("name", ["milestones.<party>", "milestones_<party>", "Milestones-<party>", "milestones-<who>"])
def test_regular_a_name_that_is_not_legal_fails(name: str) -> None:
    assert gates.irregular(with_row(replace(topics.MILESTONES, name=name))) == [f"{name} is no legal topic name"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"message.timestamp.type": "CreateTime"}, "does not keep the broker's time"),
        ({"retention.ms": "604800000"}, "is kept by ('delete', '604800000')"),
        ({"cleanup.policy": "compact"}, "is kept by ('compact', '2592000000')"),
        ({"max.message.bytes": "1000"}, "does not take records up to our own limit"),
    ],
)
def test_regular_settings_other_than_the_design_fail(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], fault: str
) -> None:
    honest = Topic.config
    monkeypatch.setattr(Topic, "config", lambda row: honest(row) | (change if row is topics.MILESTONES else {}))
    assert gates.irregular() == [f"milestones-<party> {fault}"]


def test_the_check_says_what_is_wrong_and_fails(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / SCHEMA).unlink()
    assert main(["check", "--directory", str(copy)]) == 1
    printed = capsys.readouterr()
    assert f"{SCHEMA} is missing" in printed.err
    assert "contracts: 1 fault(s); nothing is released" in printed.out
    assert not (copy / SCHEMA).exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1, "a": 2}', ""])
def test_complete_a_file_that_is_no_json_object_fails(copy: Path, text: str) -> None:
    (copy / EXAMPLES / "departure.json").write_text(text)
    assert check(copy)[0] == [f"{EXAMPLES}/departure.json is no JSON object"]
