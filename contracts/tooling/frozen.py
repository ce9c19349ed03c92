"""What a release has fixed: its files are neither edited, renamed nor deleted.

Invariant: the comparison is a pure function of two folders. The one thing that may change is a schema, additively;
new files are always allowed.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from contracts.tooling.compatibility import breaking_changes

FROZEN: Final = ("examples", "corridor/data")
"""Folders whose released files stay as they are, byte for byte."""


def violations(released: Path, current: Path) -> list[str]:
    """What the current contracts folder does that the released one forbids."""
    return [
        *_changed_schemas(released, current),
        *(found for folder in FROZEN for found in _changed_files(released, current, folder)),
        *_changed_channels(released, current),
    ]


def _files(root: Path, folder: str) -> list[Path]:
    """The files under a folder, relative to the root, sorted."""
    return sorted(path.relative_to(root) for path in (root / folder).rglob("*") if path.is_file())


def _changed_schemas(released: Path, current: Path) -> Iterator[str]:
    for path in _files(released, "schemas"):
        if not (current / path).is_file():
            yield f"{path} was deleted or renamed; a type is retired, never removed"
            continue
        old, new = (json.loads((root / path).read_bytes()) for root in (released, current))
        yield from (f"{path}: {change}: this needs a new .vN type" for change in breaking_changes(old, new))


def _changed_files(released: Path, current: Path, folder: str) -> Iterator[str]:
    for path in _files(released, folder):
        if not (current / path).is_file():
            yield f"{path} was deleted or renamed"
        elif (current / path).read_bytes() != (released / path).read_bytes():
            yield f"{path} was edited; add another file beside it"


def _changed_channels(released: Path, current: Path) -> Iterator[str]:
    """Topics of the release that are gone, have moved, or no longer carry a type."""
    for path in _files(released, "asyncapi"):
        if not (current / path).is_file():
            yield f"{path} was deleted or renamed"
            continue
        before, after = _channels(released / path), _channels(current / path)
        for name, old in before.items():
            new = after.get(name, {})
            if old["address"] != new.get("address"):
                yield f"{path}: the topic {old['address']} was removed or renamed"
            for message in sorted(set(old["messages"]) - set(new.get("messages", {}))):
                yield f"{path}: the topic {old['address']} no longer carries {message}"


# Libyaml reads the same, many times faster, where it is there.
_Loader: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def read_document(path: Path) -> Any:
    """The AsyncAPI document in a file."""
    return yaml.load(path.read_text(encoding="utf-8"), _Loader)


def _channels(path: Path) -> dict[str, Any]:
    channels: dict[str, Any] = read_document(path)["channels"]
    return channels
