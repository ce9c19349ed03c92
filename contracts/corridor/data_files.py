"""The committed data files of corridors: finding a version and reading it.

Invariant: of what services import, nothing else in `contracts` opens a file, and a file that says one thing
twice is refused, for YAML would silently keep the second.
"""

import re
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict

DURATIONS: Final = "-durations"
"""What the file of a corridor's durations has behind the corridor's id."""
DIRECTORY: Final = Path(__file__).parent / "data"
_NAME: Final = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)\.v([1-9]\d*)\.yaml", re.ASCII)


class Frozen(BaseModel):
    """A part of a data file: it cannot be changed, and a key that nobody reads is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _UniqueKeys(yaml.SafeLoader):
    """A loader that refuses a mapping with the same key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if len(keys) != len(set(keys)):
            repeated = sorted({key for key in keys if keys.count(key) > 1})
            raise yaml.constructor.ConstructorError(None, None, f"repeated keys: {repeated}", node.start_mark)
        return super().construct_mapping(node, deep)


def parse(text: str) -> Any:
    """The content of a data file; raises `yaml.YAMLError`."""
    return yaml.load(text, _UniqueKeys)


def versions(name: str, directory: Path = DIRECTORY) -> tuple[int, ...]:
    """The released versions of a data file, rising; empty where there is none."""
    matches = (_NAME.fullmatch(path.name) for path in directory.iterdir())
    return tuple(sorted(int(match[2]) for match in matches if match and match[1] == name))


def names(directory: Path = DIRECTORY) -> tuple[str, ...]:
    """The names of all data files, sorted."""
    matches = (_NAME.fullmatch(path.name) for path in directory.iterdir())
    return tuple(sorted({match[1] for match in matches if match}))


def read(name: str, version: int, directory: Path = DIRECTORY) -> Any:
    """The content of one version; raises `LookupError` where there is no such file."""
    if version not in versions(name, directory):
        raise LookupError(f"no data file {name!r} of version {version}")
    return parse((directory / f"{name}.v{version}.yaml").read_text(encoding="utf-8"))
