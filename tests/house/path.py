"""`python -m corridor path`: the files that a report passes from Kafka to Kafka, as README lists them.

A file is on the path when one of its functions runs for the report. `tests/house/test_path.py` sends a report through
real servers and holds README to what has run.

Invariant: types and reference data do not count, by rule and not by name. A decision record alone raises the limit.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
README: Final = "README.md"
HEADING: Final = "## Read one report's journey"
AIM: Final = 15
LIMIT: Final = 62
"""As found. What is taken off the path lowers it."""

ENTRIES: Final = frozenset({"services/tracking/handlers.py", "services/chassis/service/runtime.py"})
"""Where the path is entered: the subscriber, and what starts the three loops. All else is imported on the way."""

_LEG: Final = re.compile(r"^\d+\. \*\*(\w+)\.\*\*", re.MULTILINE)
_LINK: Final = re.compile(r"\]\(([\w/]+\.py)\)")
_TYPES: Final = frozenset({"NamedTuple", "Enum", "StrEnum", "Protocol", "TypedDict", "BaseModel", "Data"})

Legs = Mapping[str, Sequence[str]]
"""The files of each leg, each where it is named first."""


def legs_in(readme: str) -> dict[str, list[str]]:
    """The files that the journey links, by leg, in its order; raises `ValueError` where README has no such journey."""
    _, found, rest = readme.partition(HEADING)
    _, *parts = _LEG.split(rest.partition("\n## ")[0])
    if not found or not parts:
        raise ValueError(f"{README}: no numbered legs (1. **Read.** ...) under {HEADING!r}")
    legs: dict[str, list[str]] = {}
    named: set[str] = set()
    for leg, text in zip(parts[::2], parts[1::2], strict=True):
        legs[leg] = [name for name in dict.fromkeys(_LINK.findall(text)) if name not in named]
        named.update(legs[leg])
    return legs


def is_apart(root: Path, name: str) -> bool:
    """Whether a file is types or reference data, which decide nothing.

    Reference data are the contracts without their envelope. Types are a module that has no function of its own and
    awaits nothing: its classes are dataclasses, named tuples, enumerations, protocols and models.
    """
    if name.startswith("contracts/"):
        return not name.startswith("contracts/envelope/")
    tree = ast.parse((root / name).read_text(encoding="utf-8"))
    functions = any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in tree.body)
    awaits = any(isinstance(node, ast.Await) for node in ast.walk(tree))
    return not functions and not awaits and all(_is_type(node) for node in tree.body if isinstance(node, ast.ClassDef))


def counted(root: Path, legs: Legs) -> dict[str, list[str]]:
    """The files of each leg without those apart."""
    return {leg: [name for name in files if not is_apart(root, name)] for leg, files in legs.items()}


def faults(root: Path, entries: frozenset[str] = ENTRIES, limit: int = LIMIT) -> list[str]:
    """What is wrong with the path, one line for each fault."""
    legs = legs_in((root / README).read_text(encoding="utf-8"))
    named = [name for files in legs.values() for name in files]
    if gone := [name for name in named if not (root / name).exists()]:
        return [f"{README}: {name} is on the path and not in the repository: say where it went" for name in gone]
    path = [name for files in counted(root, legs).values() for name in files]
    reached = _reached(root, named, entries)
    found = [f"{README}: no file of the path leads to {name}: take it out" for name in path if name not in reached]
    if len(path) > limit:
        found.append(f"{len(path)} files from Kafka to Kafka, at most {limit}: fold two together, or take one off")
    return found


def _reached(root: Path, named: Sequence[str], entries: frozenset[str]) -> set[str]:
    """The files to which imports lead from the entries, by files of the path alone."""
    imports = {name: set(_imported(root / name)) & set(named) for name in named}
    reached: set[str] = set()
    todo = [name for name in named if name in entries]
    while todo:
        name = todo.pop()
        reached.add(name)
        todo += imports[name] - reached
    return reached


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            place = node.module.replace(".", "/")
            yield f"{place}.py"
            yield from (f"{place}/{alias.name}.py" for alias in node.names)


def _is_type(node: ast.ClassDef) -> bool:
    marks = (*node.bases, *node.decorator_list)
    return any(_name(mark) in _TYPES or _name(mark) == "dataclass" for mark in marks)


def _name(mark: ast.expr) -> str:
    return ast.unparse(mark).partition("(")[0].rpartition(".")[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the path, and what is wrong with it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m corridor path", description="a report's files, Kafka to Kafka")
    parser.add_argument("--brief", action="store_true", help="the numbers alone")
    parser.add_argument("--root", type=Path, default=ROOT, help="where the repository is")
    options = parser.parse_args(arguments)
    legs = legs_in((options.root / README).read_text(encoding="utf-8"))
    found = faults(options.root)
    if not found:
        _show(options.root, legs, brief=options.brief)
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


def _show(root: Path, legs: Legs, *, brief: bool) -> None:
    on_path = counted(root, legs)
    for leg, files in {} if brief else legs.items():
        print(leg)
        for name in files:
            print(f"  {name}{'' if name in on_path[leg] else '  (types or reference data)'}")
    numbers = ", ".join(f"{leg.lower()} {len(files)}" for leg, files in on_path.items())
    total = sum(len(files) for files in on_path.values())
    print(f"path: {total} files from Kafka to Kafka, at most {LIMIT}, aim {AIM}: {numbers}")
