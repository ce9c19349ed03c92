"""Every command that a page of ours or the Makefile names is there, and nothing is run past the one command."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from corridor.__main__ import main
from corridor.commands import COMMANDS
from deploy.services import ROOT

_FOLDERS = ("docs", "contracts", "deploy")
_PAGES = [ROOT / "Makefile", *ROOT.glob("*.md"), *(page for name in _FOLDERS for page in (ROOT / name).rglob("*.md"))]
_MODULE = re.compile(r"(?:python3?|\$\(PY\)|\$\(PYTHON\)) -m ([\w.]+)")
_COMMAND = re.compile(r"-m corridor((?: [a-z][a-z-]*)+)")
# What Python itself brings, and the test runner.
_OTHERS = {"venv", "pip", "pytest"}


def faults(text: str) -> list[str]:
    """The modules and commands that a text names and that are not there."""
    modules = set(_MODULE.findall(text)) - _OTHERS - {"corridor"}
    unknown = {f"corridor{words}" for words in _COMMAND.findall(text) if not known(words)}
    return sorted(modules | unknown)


def known(words: str) -> bool:
    """Whether there is such a command; of a second word, whether its help says it."""
    name, *verb = words.split()[:2]
    return name in COMMANDS and (not verb or verb[0] in helped(name))


def helped(name: str) -> set[str]:
    """The words of a command's help."""
    with redirect_stdout(StringIO()) as said, pytest.raises(SystemExit):
        main([name, "--help"])
    return set(re.findall(r"[a-z][a-z-]*", said.getvalue()))


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    assert faults(page.read_text(encoding="utf-8")) == []


def test_the_pages_name_commands() -> None:
    """Or the expressions would find nothing, and no page could be wrong."""
    named = {words.split()[0] for page in _PAGES for words in _COMMAND.findall(page.read_text(encoding="utf-8"))}

    assert {"up", "demo", "tokens", "provision", "backup", "sbom", "service", "dead-letters", "contracts"} <= named


@pytest.mark.parametrize(
    "text",
    [
        "`python -m corridor tokes list`",
        "`python -m corridor tokens lists`",
        "`.venv/bin/python -m deploy.up`",
        "\t@$(PY) -m deploy.sbom",
    ],
)
def test_what_is_not_there_is_found(text: str) -> None:
    assert len(faults(text)) == 1
