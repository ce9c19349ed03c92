"""Every statement of the services, and those of the last release, which are written down.

Invariant: a statement is a constant of its module, so that none is missed; what is read back is what was written.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import services

LAST_RELEASE: Final = Path(__file__).parent / "last_release.sql"
_STATEMENT: Final = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
_NUMBER: Final = re.compile(r"^-- It knows the migrations up to (\d{14})\.$", re.MULTILINE)
_ONE: Final = re.compile(r"^-- (services\.\S+)\n(.*?)\n;$", re.MULTILINE | re.DOTALL)
_HEAD: Final = """\
-- The statements of the last release. `python -m corridor schema release` writes them.
-- It knows the migrations up to {number}.
"""


class Release(NamedTuple):
    """What a release asks of its stores: the newest migration that it knows, and its statements with their names."""

    number: str
    statements: list[tuple[str, str]]

    def of(self, service: str) -> list[tuple[str, str]]:
        """The statements that run on the store of a service."""
        return [(name, text) for name, text in self.statements if name.startswith(_parts(service))]


def statements(service: str) -> Iterator[tuple[str, str]]:
    """Every statement that is a constant of the chassis or of a service, with its name."""
    for module in pkgutil.walk_packages(services.__path__, "services."):
        if not module.name.startswith(_parts(service)) or "__main__" in module.name:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            for part in value if isinstance(value, list | tuple) else [value]:
                text = getattr(part, "statement", part)
                if isinstance(text, str) and _STATEMENT.match(text):
                    yield f"{module.name}.{name}", text


def written(number: str, found: Iterable[tuple[str, str]]) -> str:
    """Statements as a file, each once."""
    once = {text.strip(): name for name, text in reversed(list(found))}
    blocks = sorted(f"-- {name}\n{text}\n;\n" for text, name in once.items())
    return "\n".join([_HEAD.format(number=number), *blocks])


def read(text: str) -> Release:
    """The release of such a file."""
    number = _NUMBER.search(text)
    assert number, "the file does not say which migrations it knows"
    return Release(number[1], [(name, statement) for name, statement in _ONE.findall(text)])


def _parts(service: str) -> tuple[str, str]:
    return "services.chassis.", f"services.{service}."
