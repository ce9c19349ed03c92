"""The floor owes nothing to the product: neither its modules nor what they import are of it. The gate can fail."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench import floor

_HERE = "tests.bench.floor"
_LIBRARIES = {"aiokafka", "asyncpg"}
# They import what no walk can see.
_UNSEEN = {"importlib", "runpy", "pkgutil"}


def foreign(folder: Path) -> Iterator[str]:
    """What the modules of a folder import beside the standard library, the libraries of the floor, and each other."""
    for module in sorted(folder.rglob("*.py")):
        for name in _imported(ast.parse(module.read_text(encoding="utf-8"))):
            top = name.partition(".")[0]
            own = name == _HERE or name.startswith(f"{_HERE}.")
            if not own and (top in _UNSEEN or top not in sys.stdlib_module_names | _LIBRARIES):
                yield f"{module.name}: {name}"


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
        elif isinstance(node, ast.Name) and node.id in ("__import__", "exec", "eval"):
            yield node.id


def test_the_floor_imports_nothing_of_the_product() -> None:
    assert list(foreign(Path(floor.__file__).parent)) == []


def test_what_it_would_import_of_the_product_is_found(tmp_path: Path) -> None:
    (tmp_path / "store.py").write_text("import json\nfrom services.chassis import base\nimport contracts.topics\n")
    (tmp_path / "far").mkdir()
    late = ("from tests.support import stores", "from . import near", "import importlib", "__import__('x')")
    (tmp_path / "far" / "deep.py").write_text("\n    ".join(["def late():", *late]))

    assert list(foreign(tmp_path)) == [
        "deep.py: tests.support",
        "deep.py: .",
        "deep.py: importlib",
        "deep.py: __import__",
        "store.py: services.chassis",
        "store.py: contracts.topics",
    ]
