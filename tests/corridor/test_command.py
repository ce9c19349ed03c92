"""`python -m corridor`: what it lists, what it loads, and how it refuses."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from corridor.__main__ import main, usage
from corridor.commands import COMMANDS
from deploy.services import ROOT, SERVICES

_LISTS = "import sys; from corridor.__main__ import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
_LACKS = "import sys; sys.modules['psutil'] = None; from corridor.__main__ import main; sys.exit(main(['stack']))"


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python of its own in the project, with nothing of our environment that a service would read."""
    environ = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_help_lists_every_command_in_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0

    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert lines == [[name, command.summary] for name, command in COMMANDS.items()]


def test_lines_fit_a_terminal() -> None:
    assert max(map(len, usage().splitlines())) <= 80


def test_help_loads_nothing_of_what_it_lists() -> None:
    loaded = python("-c", _LISTS).stderr.split()

    assert "corridor.commands" in loaded
    assert not {"faststream", "asyncpg", "aiokafka", "pydantic", "deploy", "services", "contracts"} & set(loaded)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_of_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Under the name by which it is called."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m corridor {name} ")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_refuses_what_it_does_not_know(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--no-such-option"])

    assert ended.value.code == 2
    assert f"python -m corridor {name}: error: " in capsys.readouterr().err


@pytest.mark.parametrize("words", [["tokes"], ["tokes", "--help"], ["--version"], [""], []])
def test_an_unknown_command_is_one_line_that_says_which_there_are(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2

    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.endswith(f"; there are: {', '.join(COMMANDS)}")


def test_what_is_not_installed_is_one_line() -> None:
    """As on a machine that only runs services."""
    ended = python("-c", _LACKS)

    assert (ended.returncode, ended.stderr) == (2, "corridor: stack needs psutil, which is not installed here\n")


def test_the_exit_code_is_that_of_the_command() -> None:
    ended = python("-m", "corridor", "tokens", "list")

    assert (ended.returncode, ended.stderr) == (2, "tokens: TRACKING_DATABASE_URL is not set\n")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_started_as_launchers_start_it(service: str) -> None:
    """By its name, with its settings from the environment."""
    ended = python("-m", "corridor", "service", service)

    assert (ended.returncode, ended.stderr) == (2, f"{service}: {service.upper()}_DATABASE_URL is not set\n")


def test_what_is_asked_of_a_service_says_what_it_takes() -> None:
    ended = python("-m", "corridor", "dead-letters", "customs", "count", "--help")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert " count [-h]" in ended.stdout


@pytest.mark.parametrize(
    "words", [["dead-letters", "custom", "count"], ["cluster", "show"], ["service", "tracking", "count"]]
)
def test_a_service_that_there_is_not_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 2
    assert f"python -m corridor {words[0]}: error: " in capsys.readouterr().err
