"""`python -m corridor sbom`: what a release is made of: a CycloneDX document, and the licences of others.

Invariant: it lists what the two locks list, each with its hashes, and nothing else; the same locks give the same bytes.
Licences are as the packages themselves say, read from what is installed here; what says nothing is shown as saying
nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from deploy.local.cache import cache_dir
from deploy.local.jars import Jar, read_lock

ROOT: Final = Path(__file__).resolve().parents[1]
_REQUIREMENT: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_SHA256: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_POM_LICENCE: Final = re.compile(r"<license>.*?<name>(.*?)</name>.*?</license>", re.DOTALL)
_BUNDLE_LICENCE: Final = re.compile(r"^Bundle-License: (.*(?:\r?\n .*)*)", re.MULTILINE)
_TEXT_OF_JAR: Final = re.compile(r"(META-INF/)?(LICENSE|NOTICE)[^/]*", re.IGNORECASE)
_UNSAID: Final = "not said by the package"
# What is said by a parent of theirs alone, or on their pages.
_ELSEWHERE: Final = {
    "com.dynatrace.hash4j": "Apache-2.0",
    "com.google.re2j": "Go License (BSD-3-Clause)",
    "com.yammer.metrics": "Apache-2.0",
    "javax.activation": "CDDL-1.0",
    "org.pcollections": "MIT",
    "org.scala-lang": "Apache-2.0",
    "org.slf4j": "MIT",
}
# Longer than this it is the text of a licence, and no name of one.
_LONGEST_NAME: Final = 120


@dataclass(frozen=True, slots=True)
class Part:
    """One package of others: `texts` are its licence and notices as it brings them."""

    name: str
    version: str
    purl: str
    sha256: tuple[str, ...]
    licences: tuple[str, ...]
    texts: tuple[str, ...]
    group: str = ""


def parts(lock: Path, jars: Sequence[Jar], cache: Path) -> list[Part]:
    """Everything of both locks, in order of their addresses."""
    return sorted([*_python(lock), *(_jar(jar, cache) for jar in jars)], key=lambda part: part.purl)


def document(found: Sequence[Part]) -> dict[str, Any]:
    """The CycloneDX 1.6 document."""
    name = json.dumps([(part.purl, part.sha256) for part in found])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "corridor", "licenses": _licences(["Apache-2.0"])}},
        "components": [_component(part) for part in found],
    }


def licence_texts(found: Sequence[Part]) -> str:
    """The list of licences, and their texts behind it, each once."""
    lines = [f"{part.purl}: {'; '.join(part.licences)}" for part in found]
    users: dict[str, list[str]] = {}
    for part in found:
        for text in part.texts:
            users.setdefault(text.strip(), []).append(part.purl)
    blocks = [f"{'=' * 100}\n{', '.join(names)}\n\n{text}" for text, names in users.items()]
    return "\n\n".join(["\n".join(lines), *blocks]) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes both files; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m corridor sbom", description="what a release is made of")
    parser.add_argument("--into", type=Path, default=Path("var/release"))
    options = parser.parse_args(arguments)
    found = parts(ROOT / "requirements.lock", read_lock(), cache_dir() / "jars")
    options.into.mkdir(parents=True, exist_ok=True)
    bill, texts = options.into / "sbom.cdx.json", options.into / "third-party-licences.txt"
    bill.write_text(json.dumps(document(found), indent=1) + "\n", encoding="utf-8")
    texts.write_text(licence_texts(found), encoding="utf-8")
    unsaid = [part.purl for part in found if part.licences == (_UNSAID,)]
    print(f"{bill} and {texts}: {len(found)} packages, {len(unsaid)} of which do not say their licence")
    for purl in unsaid:
        print(f"  {purl}")
    return 0


def _python(lock: Path) -> Iterator[Part]:
    text = lock.read_text(encoding="utf-8")
    starts = list(_REQUIREMENT.finditer(text))
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        entry = text[start.end() : following.start() if following else len(text)]
        name = re.sub(r"[-_.]+", "-", start[1]).lower()
        licences, texts = _of_distribution(start[1])
        purl = f"pkg:pypi/{name}@{start[2]}"
        yield Part(name, start[2], purl, tuple(_SHA256.findall(entry)), licences, texts)


def _of_distribution(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return (_UNSAID,), ()
    said = next((s for n in ("License-Expression", "License") for s in found.metadata.get_all(n) or ()), "")
    classified = [c.rpartition(" :: ")[2] for c in found.metadata.get_all("Classifier") or () if "License ::" in c]
    names = (said,) if said and len(said) <= _LONGEST_NAME and "\n" not in said else tuple(classified)
    files = [file for file in found.files or () if re.match(r"(?i)(licen[sc]e|copying|notice)", file.name)]
    texts = [Path(str(file.locate())) for file in files if ".dist-info" in str(file)]
    return names or (_UNSAID,), tuple(t.read_text(encoding="utf-8", errors="replace") for t in texts if t.is_file())


def _jar(jar: Jar, cache: Path) -> Part:
    purl = f"pkg:maven/{jar.group}/{jar.artifact}@{jar.version}"
    licences, texts = _of_jar(cache / jar.file_name)
    if licences == (_UNSAID,) and jar.group in _ELSEWHERE:
        licences = (_ELSEWHERE[jar.group],)
    return Part(jar.artifact, jar.version, purl, (jar.sha256,), licences, texts, jar.group)


def _of_jar(file: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not file.exists():
        return (_UNSAID,), ()
    with zipfile.ZipFile(file) as archive:
        poms = [n for n in archive.namelist() if n.startswith("META-INF/maven/") and n.endswith("/pom.xml")]
        said = [name.strip() for pom in poms[:1] for name in _POM_LICENCE.findall(_read(archive, pom))]
        if not said and "META-INF/MANIFEST.MF" in archive.namelist():
            bundle = _BUNDLE_LICENCE.search(_read(archive, "META-INF/MANIFEST.MF"))
            said = [re.sub(r"\r?\n ", "", bundle[1]).strip()] if bundle else []
        texts = tuple(_read(archive, name) for name in archive.namelist() if _TEXT_OF_JAR.fullmatch(name))
    if not said and any("Apache License" in text for text in texts):
        said = ["Apache License"]
    return tuple(said) or (_UNSAID,), texts


def _read(archive: zipfile.ZipFile, name: str) -> str:
    return archive.read(name).decode(errors="replace")


def _component(part: Part) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "library", "bom-ref": part.purl, "name": part.name, "version": part.version}
    if part.group:
        found["group"] = part.group
    # Each is one file of the package; a platform takes the one that fits it.
    found["hashes"] = [{"alg": "SHA-256", "content": digest} for digest in part.sha256]
    found["licenses"] = _licences(part.licences)
    found["purl"] = part.purl
    return found


def _licences(names: Sequence[str]) -> list[dict[str, Any]]:
    return [{"license": {"name": name}} for name in names]
