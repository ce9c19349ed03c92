"""The leash: what it starts is stopped in good order and never outlives its launcher."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
from pathlib import Path

import pytest

from deploy.local.leash import Child, spawn
from deploy.local.waiting import wait_until
from tests.deploy.processes import python, wait_until_gone

_BOUND = 20

# Reports its start, and each signal it is asked to stop by, then ends with 7 or, if stubborn, goes on.
_COMMAND = """
import signal, sys, threading
def asked(number, frame):
    print("asked", number, flush=True)
    if {obeys}:
        sys.exit(7)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, asked)
print("started", flush=True)
while True:
    signal.pause()
"""

_LAUNCHER = """
import os, signal, sys
from pathlib import Path
from deploy.local.leash import spawn
child = spawn(sys.argv[2:], os.environ, Path(sys.argv[1]), grace=0.5)
print(child.pid, child.leash_pid, flush=True)
signal.pause()
"""


def a_command(*, obeys: bool) -> list[str]:
    return [sys.executable, "-c", _COMMAND.format(obeys=obeys)]


def a_child(log: Path, *, obeys: bool = True, stop_signal: int = signal.SIGTERM) -> Child:
    child = spawn(a_command(obeys=obeys), os.environ, log, stop_signal=stop_signal)
    wait_for_word("started", log)
    return child


def wait_for_word(word: str, log: Path) -> None:
    wait_until(lambda: log.exists() and word in log.read_text(), _BOUND, f"{word!r} in {log}")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "child.log"


def test_the_exit_code_is_passed_through(log: Path) -> None:
    """Whoever waits learns how the command ended."""
    child = spawn([sys.executable, "-c", "raise SystemExit(42)"], os.environ, log)

    assert child.wait(_BOUND) == 42


def test_both_outputs_go_to_the_log(log: Path) -> None:
    """Nothing a server says is lost, on whichever output."""
    code = "import sys; print('one'); print('two', file=sys.stderr)"

    spawn([sys.executable, "-c", code], os.environ, log).wait(_BOUND)

    assert sorted(log.read_text().split()) == ["one", "two"]


def test_what_a_command_writes_and_says_is_its_owners_alone(log: Path, tmp_path: Path) -> None:
    written = tmp_path / "written"
    child = spawn([sys.executable, "-c", f"open({str(written)!r}, 'w')"], os.environ, log)

    assert child.wait(20) == 0
    assert [stat.S_IMODE(file.stat().st_mode) for file in (log, written)] == [0o600, 0o600]


def test_terminate_sends_the_signal_chosen(log: Path) -> None:
    """Postgres wants another signal than Kafka to stop without waiting for its clients."""
    child = a_child(log, stop_signal=signal.SIGINT)

    child.terminate()

    assert child.wait(_BOUND) == 7
    assert f"asked {signal.SIGINT.value}" in log.read_text()


def test_stop_kills_what_does_not_obey(log: Path) -> None:
    """Stopping is bounded."""
    child = a_child(log, obeys=False)

    assert child.stop(within=0.5) == 128 + signal.SIGKILL


def test_pid_is_that_of_the_command(log: Path) -> None:
    """A test can kill the server itself, and the launcher sees it."""
    child = a_child(log)

    os.kill(child.pid, signal.SIGKILL)

    assert child.wait(_BOUND) == 128 + signal.SIGKILL


def test_a_command_that_cannot_start_is_an_error(log: Path) -> None:
    """The caller hears why, at once."""
    with pytest.raises(OSError, match=r"cannot start /no/such/program: .*No such file"):
        spawn(["/no/such/program"], os.environ, log)


def test_the_terminals_ctrl_c_does_not_reach_the_command(log: Path) -> None:
    """Terminals signal a session's group; the command lives in another session."""
    child = a_child(log)

    try:
        assert os.getsid(child.pid) != os.getsid(0)
    finally:
        child.kill()
        child.wait(_BOUND)


@pytest.mark.parametrize("obeys", [True, False])
def test_the_command_ends_when_its_launcher_is_killed(log: Path, obeys: bool) -> None:
    """It is asked first, and killed when it does not obey."""
    launcher = python("-c", _LAUNCHER, str(log), *a_command(obeys=obeys))
    pids = read_pids(launcher.stdout.readline() if launcher.stdout else "")
    wait_for_word("started", log)

    launcher.kill()

    launcher.communicate(timeout=_BOUND)
    wait_until_gone(*pids)
    assert "asked" in log.read_text()


def test_the_command_ends_when_its_leash_is_killed(log: Path) -> None:
    """The kernel sees to it on Linux, the launcher's next look elsewhere."""
    child = a_child(log)

    os.kill(child.leash_pid, signal.SIGKILL)

    assert child.wait(_BOUND) == -signal.SIGKILL
    wait_until_gone(child.pid)


def read_pids(line: str) -> list[int]:
    return [int(word) for word in line.split()]


def test_a_process_that_has_ended_does_not_pass_for_running_while_its_leash_is_behind(log: Path) -> None:
    child = a_child(log, obeys=False)
    os.kill(child.leash_pid, signal.SIGSTOP)
    os.kill(child.pid, signal.SIGKILL)
    wait_until_gone(child.pid)
    later = threading.Timer(0.5, os.kill, (child.leash_pid, signal.SIGCONT))

    later.start()

    assert child.poll() == 128 + signal.SIGKILL
