"""The AsyncAPI document: true to the topic table and the schemas, and valid for the AsyncAPI project's own parser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from contracts import topics
from contracts.catalogue import TYPES
from contracts.tooling import asyncapi_document, gates
from contracts.tooling.examples_store import DIRECTORY
from contracts.tooling.frozen import read_document
from contracts.topics import SERVICES, TABLE, Topic
from deploy.local.cache import cache_dir

PARSER = "@asyncapi/parser@3.6.6"
COMMITTED = DIRECTORY / gates.ASYNCAPI
TEXT = COMMITTED.read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = read_document(COMMITTED)
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def test_making_it_twice_gives_the_same_bytes() -> None:
    assert gates.generated()[gates.ASYNCAPI] == TEXT == gates.generated()[gates.ASYNCAPI]


def test_each_topic_is_a_channel_with_its_key_types_and_retention() -> None:
    channels = {channel["address"]: channel for channel in DOCUMENT["channels"].values()}
    assert len(channels) == len(TABLE)
    for row in TABLE:
        channel = channels[row.name.replace("<", "{").replace(">", "}")]
        kafka = channel["bindings"]["kafka"]
        assert tuple(channel["messages"]) == row.types
        assert kafka["partitions"] == row.partitions
        kept = {"retention.ms": 30 * 24 * 3600 * 1000, "cleanup.policy": ["delete"]}
        kept = {"cleanup.policy": ["compact"]} if row.compacted else kept
        assert {k: v for k, v in kafka["topicConfiguration"].items() if k != "max.message.bytes"} == kept
        assert channel["x-message-timestamp-type"] == "LogAppendTime"


def test_a_variable_part_of_a_name_is_a_parameter() -> None:
    for channel in DOCUMENT["channels"].values():
        variable = channel["address"].partition("{")[2].partition("}")[0]
        assert set(channel.get("parameters", {})) == ({variable} if variable else set())


@pytest.mark.parametrize("row", TABLE, ids=lambda r: r.name)
def test_each_service_sends_what_it_writes_and_receives_what_it_reads(row: Topic) -> None:
    address = row.name.replace("<", "{").replace(">", "}")
    said = {
        (name.split("-")[0], node["action"])
        for name, node in DOCUMENT["operations"].items()
        if DOCUMENT["channels"][node["channel"]["$ref"].rpartition("/")[2]]["address"] == address
    }
    written = {(service, "send") for service in SERVICES if service in row.writers}
    assert said == written | {(service, "receive") for service in SERVICES if service in row.readers}


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_payload_is_the_committed_schema(name: str) -> None:
    """Parts stand beside the schema instead of inside it; nothing else differs."""
    committed = json.loads((DIRECTORY / "schemas" / f"{name}.json").read_bytes())
    assert DOCUMENT["components"]["messages"][name]["payload"] == {"$ref": f"#/components/schemas/{name}"}
    parts = {part: node for key, node in SCHEMAS.items() if (part := key.removeprefix(f"{name}.")) != key}
    again = json.loads(
        json.dumps({**SCHEMAS[name], "$defs": parts}).replace(f"#/components/schemas/{name}.", "#/$defs/")
    )
    head = {"$schema": committed.pop("$schema"), "$id": committed.pop("$id")}
    assert head["$id"].endswith(name)
    assert again == {"$defs": {}} | committed


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_message_says_its_headers_its_key_and_an_example(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    assert message["headers"]["allOf"][1]["properties"]["ce_type"] == {"const": name}
    assert message["bindings"]["kafka"]["key"]["type"] == "string"
    (shown,) = message["examples"]
    assert set(SCHEMAS["KafkaHeaders"]["required"]) <= set(shown["headers"])
    assert shown["headers"]["ce_type"] == name


def test_a_type_with_two_kinds_of_key_cannot_be_described() -> None:
    table = (*TABLE, Topic("milestones-copy", "entity", ("tracking",), ("customs",), topics.MILESTONES.types))
    with pytest.raises(ValueError, match=r"milestone\.reported\.v1 has the key subject on one topic and entity"):
        asyncapi_document.asyncapi_document([], table)


@pytest.fixture(scope="module")
def parser() -> Path:
    """The folder of the parser's Node modules, installed once for each user and version."""
    npm, name = shutil.which("npm"), PARSER.strip("@").replace("/", "-")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node is not installed")
    folder = cache_dir() / name
    with FileLock(cache_dir() / f"{name}.lock"):
        if not (folder / "complete").exists():
            folder.mkdir(exist_ok=True)
            (folder / "package.json").write_text('{"private": true}')
            options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--fetch-retries=1")
            install = [npm, "install", *options, PARSER]
            try:
                subprocess.run(install, cwd=folder, capture_output=True, timeout=120, check=True)
            except subprocess.SubprocessError as failure:
                pytest.skip(f"{PARSER} cannot be had: {failure}")
            (folder / "complete").touch()
    return folder / "node_modules"


def parsed(modules: Path, *paths: Path) -> list[dict[str, Any]]:
    script = Path(__file__).with_name("parse_asyncapi.js")
    environ = os.environ | {"NODE_PATH": str(modules)}
    command = ["node", str(script), *map(str, paths)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_the_parser_of_asyncapi_takes_it_and_refuses_it_when_spoilt(parser: Path, tmp_path: Path) -> None:
    spoilt = {
        "action": TEXT.replace("action: receive", "action: recieve", 1),
        "reference": TEXT.replace("#/components/messages/", "#/components/message/", 1),
    }
    for name, text in spoilt.items():
        assert text != TEXT
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    good, *bad = parsed(parser, COMMITTED, *(tmp_path / f"{name}.yaml" for name in spoilt))
    assert good["errors"] == []
    assert good["addresses"] == [channel["address"] for channel in DOCUMENT["channels"].values()]
    assert good["operations"] == list(DOCUMENT["operations"])
    assert all(one["errors"] for one in bad)
