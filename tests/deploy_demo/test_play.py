"""The demo as its user runs it: it plays to its end, is checked, and leaves nothing behind however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import psutil
import pytest

from deploy.local.waiting import has_ended, wait_until
from deploy.services import SERVICES
from tests.deploy.processes import descendants, python

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]


def launched_until(line: str, *arguments: str) -> tuple[subprocess.Popen[str], list[int]]:
    """A demo that has said a line, and the processes that it has started."""
    process = python("-m", "corridor", "demo", *arguments)
    assert process.stdout is not None
    for said in process.stdout:
        if line in said:
            return process, descendants(process.pid)
    raise AssertionError(f"the demo ended without saying {line}: {process.communicate()}")


def ended(process: subprocess.Popen[str]) -> str:
    """What it said until its end, which is soon."""
    try:
        return process.communicate(timeout=60)[0]
    finally:
        process.kill()


def test_played_once_it_ends_with_the_expected_pictures() -> None:
    process = python("-m", "corridor", "demo", "--once")

    said, complaints = process.communicate(timeout=500)

    assert process.returncode == 0, said + complaints
    line = json.loads(said.splitlines()[-1])
    assert (line["ok"], line["sent"], line["accepted"], line["dead_letters"]) == (True, 974, 922, 6)
    assert set(line) == {
        "sent",
        "accepted",
        "repeats",
        "dead_letters",
        "parked",
        "subjects",
        "cases",
        "feed_items",
        "seconds",
        "ok",
    }


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_stopped_in_the_middle_it_leaves_no_process(number: signal.Signals) -> None:
    process, started = launched_until("2026-06-12")

    process.send_signal(number)
    said = ended(process)

    assert (process.returncode, said.splitlines()[-1]) == (0, "stopped")
    wait_until(lambda: all(map(has_ended, started)), 10, "the end of everything")


@pytest.mark.long
def test_killed_it_leaves_no_process_and_the_next_one_starts() -> None:
    process, started = launched_until("2026-06-12", "--once")
    process.kill()
    process.wait()

    again, _ = launched_until("starting tracking")

    wait_until(lambda: all(map(has_ended, started)), 45, "the end of what the killed launcher has started")
    again.send_signal(signal.SIGINT)
    assert ended(again).splitlines()[-1] == "stopped"


def test_up_tells_of_a_service_that_has_ended() -> None:
    process = python("-m", "corridor", "up", "--services", "tracking")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("running"):
            break
    command = ["-m", "services.tracking"]
    (service,) = [c for c in psutil.Process(process.pid).children(recursive=True) if c.cmdline()[1:] == command]

    service.kill()
    told = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    ended(process)

    assert told.startswith("tracking-1 ended with 137")


def test_up_on_servers_that_are_not_there_says_so_in_a_line() -> None:
    """As in a terminal that has read the environment of a stack which is gone."""
    gone = "postgresql://corridor@127.0.0.1:1/corridor"
    environ = {f"{service.upper()}_DATABASE_URL": gone for service in SERVICES}
    process = python("-m", "corridor", "up", environ=os.environ | environ | {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})

    said, complaints = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "using Postgres at 127.0.0.1:1, as the environment says" in said
    assert complaints.startswith("topics, parties and tokens cannot be made: ")
    assert "to start servers here: unset KAFKA_BOOTSTRAP_SERVERS TRACKING_DATABASE_URL" in complaints
    assert "Traceback" not in complaints


def test_up_tells_how_to_connect_and_ends_with_ctrl_c() -> None:
    process = python("-m", "corridor", "up")
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.strip())
        if line.startswith("running"):
            break
    words = {line.split()[0]: line.split()[-1] for line in said}
    shell = f'. {words["to"]}; echo "$TRACKING $NOTIFICATIONS/#token=$(token corridor-control)"'
    tracking, dashboard = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout.split()

    process.send_signal(signal.SIGINT)
    ended(process)

    assert process.returncode == 0
    assert words["tracking"] == tracking
    assert words["dashboard"] == dashboard
    assert not psutil.pid_exists(process.pid)
