"""Writes `kafka_jars.lock` anew: `python -m corridor jars`, after changing `WANTED`.

Invariant: the list is the runtime closure of `WANTED`, hashed from files fetched for this run
alone.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from jgo.maven import Dependency, MavenContext

from deploy.local.jars import LOCK_FILE, Jar

WANTED = (
    "org.apache.kafka:kafka_2.13:4.4.0",
    "org.apache.kafka:kafka-tools:4.4.0",
    # Without a logging backend a broker that cannot start ends without a word.
    "org.slf4j:slf4j-simple:1.7.36",
)
_HEADER = """\
# Runtime closure of {wanted}
# Written by `python -m corridor jars`. Columns: group, artifact, version, bytes, SHA-256.
"""


def resolve(wanted: tuple[str, ...], directory: Path) -> list[Jar]:
    context = MavenContext(repo_cache=directory)
    given, drawn_in = context.resolver.resolve([context.create_dependency(name) for name in wanted])
    jars = sorted((_hashed(dependency) for dependency in [*given, *drawn_in]), key=lambda jar: jar.file_name)
    if len({jar.file_name for jar in jars}) != len(jars):
        raise ValueError("two jars share a file name: the cache keeps them in one directory")
    return jars


def render(wanted: tuple[str, ...], jars: list[Jar]) -> str:
    rows = [f"{jar.group} {jar.artifact} {jar.version} {jar.size} {jar.sha256}\n" for jar in jars]
    return _HEADER.format(wanted=", ".join(wanted)) + "".join(rows)


def _hashed(dependency: Dependency) -> Jar:
    content = Path(dependency.artifact.resolve()).read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    return Jar(dependency.groupId, dependency.artifactId, dependency.version, len(content), sha256)


def main(arguments: Sequence[str] | None = None) -> int:
    """Resolves, fetches and writes; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m corridor jars", description="writes the list of Kafka's jars anew")
    parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        jars = resolve(WANTED, Path(scratch))
    LOCK_FILE.write_text(render(WANTED, jars))
    print(f"{LOCK_FILE.name}: {len(jars)} jars, {sum(jar.size for jar in jars) / 1e6:.0f} MB")
    return 0
