"""What stops a launcher, however it was started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.deploy.processes import ROOT

_BOUND = 30
_LAUNCHER = """
import os, signal
from deploy.local.interrupt import stop_on_signals, wait_for_signal
stop_on_signals()
try:
    print(os.getpid(), signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, flush=True)
    wait_for_signal()
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.fixture(autouse=True)
def a_terminal_that_closes() -> Iterator[None]:
    """These tests may run under nohup themselves, and what they start would inherit that."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def launched(how: str) -> tuple[subprocess.Popen[str], int, bool]:
    """A launcher as a script starts it; its process, and whether it lets its terminal close."""
    script = subprocess.Popen(
        ["sh", "-c", how, "script", sys.executable, "-c", _LAUNCHER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert script.stdout is not None
    pid, stays = script.stdout.readline().split()
    return script, int(pid), stays == "True"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_in_the_background_of_a_script_stops(number: signal.Signals) -> None:
    """Though the script's shell has set Ctrl-C to be ignored there."""
    script, pid, _ = launched('"$@" & wait')

    os.kill(pid, number)

    assert script.communicate(timeout=_BOUND)[0] == "stopped\n"


def test_one_under_nohup_outlives_its_terminal() -> None:
    script, pid, stays = launched('nohup "$@" & wait')

    os.kill(pid, signal.SIGTERM)

    assert stays
    assert script.communicate(timeout=_BOUND)[0] == "stopped\n"
