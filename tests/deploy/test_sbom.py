"""The bill of a release lists what the locks list, each with hashes and what it says of its licence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from deploy import sbom
from deploy.local.cache import cache_dir
from deploy.local.jars import read_lock
from deploy.sbom import ROOT, document, licence_texts, parts

LOCK = ROOT / "requirements.lock"


@pytest.fixture(scope="module")
def found() -> list[sbom.Part]:
    return parts(LOCK, read_lock(), cache_dir() / "jars")


def test_every_package_of_both_locks_is_in_it_with_its_hashes(found: list[sbom.Part]) -> None:
    text = LOCK.read_text(encoding="utf-8")
    components = document(found)["components"]

    python = [c for c in components if c["purl"].startswith("pkg:pypi/")]
    jars = [c for c in components if c["purl"].startswith("pkg:maven/")]
    assert len(python) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE))
    assert {h["content"] for c in python for h in c["hashes"]} == set(re.findall(r"sha256:([0-9a-f]{64})", text))
    assert {(c["group"], c["name"], c["version"], c["hashes"][0]["content"]) for c in jars} == {
        (j.group, j.artifact, j.version, j.sha256) for j in read_lock()
    }
    assert all(c["hashes"] for c in components)
    assert len({c["bom-ref"] for c in components}) == len(components)


def test_what_is_installed_says_its_licence(found: list[sbom.Part]) -> None:
    said = {part.name: part.licences for part in found}

    assert said["fastapi"] == ("MIT",)
    assert "aiokafka" in said and said["aiokafka"] != (sbom._UNSAID,)


def test_the_same_locks_give_the_same_bytes(found: list[sbom.Part]) -> None:
    again = parts(LOCK, read_lock(), cache_dir() / "jars")

    assert json.dumps(document(again)) == json.dumps(document(found))


def test_the_texts_of_licences_are_there_once(found: list[sbom.Part]) -> None:
    written = licence_texts(found)

    assert "pkg:pypi/fastapi@" in written
    assert len(written) < sum(len(text) for part in found for text in part.texts) + 200 * len(found)


def test_it_is_written_where_it_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sbom.main(["--into", str(tmp_path / "release")]) == 0

    assert json.loads((tmp_path / "release" / "sbom.cdx.json").read_text())["bomFormat"] == "CycloneDX"
    assert (tmp_path / "release" / "third-party-licences.txt").stat().st_size > 10_000
    assert "packages" in capsys.readouterr().out
