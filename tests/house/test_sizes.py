"""The gate on sizes can fail."""

from __future__ import annotations

from pathlib import Path

from tests.house.sizes import FUNCTION, MODULE, faults, figures


def made(root: Path, name: str, text: str) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_a_module_or_function_over_its_limit_is_told(tmp_path: Path) -> None:
    made(tmp_path, "services/long.py", "x = 1\n" * (MODULE + 1))
    made(tmp_path, "deploy/deep.py", "def f():\n" + "    x = 1\n" * FUNCTION)

    assert faults(tmp_path) == [
        f"services/long.py: {MODULE + 1} lines, at most {MODULE}",
        f"deploy/deep.py:1: f has {FUNCTION + 1} lines, at most {FUNCTION}",
    ]


def test_a_room_over_its_limit_is_told(tmp_path: Path) -> None:
    made(tmp_path, "services/chassis/queue/__init__.py", "")
    for name in ("one", "two", "three"):
        made(tmp_path, f"services/chassis/queue/{name}.py", "x = 1\n" * 300)

    assert faults(tmp_path) == ["queue: 900 lines, at most 800"]


def test_what_is_within_its_limit_is_not_told(tmp_path: Path) -> None:
    made(tmp_path, "contracts/short.py", "def f():\n" + "    x = 1\n" * (FUNCTION - 1))

    assert faults(tmp_path) == []


def test_a_room_has_the_lines_of_its_modules(tmp_path: Path) -> None:
    made(tmp_path, "services/chassis/queue/__init__.py", "")
    made(tmp_path, "services/chassis/queue/one.py", "x = 1\n" * 3)
    made(tmp_path, "services/chassis/base/__init__.py", "x = 1\n")

    assert figures(tmp_path) == {"chassis": 4, "delivery core": 3, "base": 1, "queue": 3}
