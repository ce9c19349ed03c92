"""`python -m corridor stack`: what it prints, and that nothing stays behind however it ends."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from deploy.local.datadir import temporary_directory
from deploy.local.kafka import answers
from deploy.local.waiting import wait_until
from services.chassis.base.access import access_in
from tests.deploy.processes import descendants, python, wait_until_gone

pytestmark = pytest.mark.servers

_BOUND = 60
_VARIABLES = (
    "KAFKA_BOOTSTRAP_SERVERS",
    "TRACKING_DATABASE_URL",
    "CUSTOMS_DATABASE_URL",
    "NOTIFICATIONS_DATABASE_URL",
)


class Launcher:
    def __init__(self, data: Path) -> None:
        environ = {name: value for name, value in os.environ.items() if name not in (*_VARIABLES, "STACK")}
        self.data = data
        self.process = python("-m", "corridor", "stack", "--data", str(data), environ=environ)
        self._addresses: dict[str, str] = {}

    def addresses(self) -> dict[str, str]:
        """What it prints when all is up."""
        assert self.process.stdout is not None
        while not {*_VARIABLES} <= self._addresses.keys():
            line = self.process.stdout.readline()
            assert line, self.end()
            name, _, value = line.strip().removeprefix("export ").partition("=")
            self._addresses[name] = value
        return self._addresses

    def end(self) -> tuple[int, str]:
        """Wait for it; its exit code, and what it said on standard error."""
        _, errors = self.process.communicate(timeout=_BOUND)
        return self.process.returncode, errors

    def ctrl_c(self) -> None:
        """What a terminal does: the signal goes to the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def kill_all(self) -> None:
        """SIGKILL to the launcher and all it started, as a power cut would."""
        if self.process.poll() is None:
            everything = [self.process.pid, *descendants(self.process.pid)]
            for pid in everything:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.end()
            wait_until_gone(*everything)


class Site:
    """A data directory and the launcher that serves it at the moment."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._current: Launcher | None = None

    def launch(self) -> Launcher:
        """A launcher that has just been started; the one before must have been ended."""
        assert self._current is None or self._current.process.poll() is not None
        self._current = Launcher(self.data)
        return self._current

    def up(self) -> Launcher:
        """A launcher that serves."""
        if self._current is None or self._current.process.poll() is not None:
            self.launch()
        assert self._current is not None
        self._current.addresses()
        return self._current

    def close(self) -> None:
        if self._current is not None:
            self._current.kill_all()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with temporary_directory() as data:
        site = Site(data)
        yield site
        site.close()


async def query(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def create_table(addresses: dict[str, str]) -> str:
    name = f"test_{uuid4().hex}"
    await query(addresses["TRACKING_DATABASE_URL"], f"CREATE TABLE {name} (id int)")
    return name


async def rows(addresses: dict[str, str], table: str) -> object:
    return await query(addresses["TRACKING_DATABASE_URL"], f"SELECT count(*) FROM {table}")


async def test_the_addresses_it_prints_work(site: Site) -> None:
    """They can be pasted into a shell and used."""
    addresses = site.up().addresses()

    assert answers(access_in(addresses))
    assert await query(addresses["CUSTOMS_DATABASE_URL"], "SELECT current_user::text") == "customs"


def test_what_it_keeps_is_nobody_elses(site: Site) -> None:
    """Neither records nor logs; a directory that only lets pass shows nothing."""
    site.up()

    for path in site.data.rglob("*"):
        # Servers at work take files away.
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(path.lstat().st_mode)
            passes = stat.S_IXGRP | stat.S_IXOTH if path.is_dir() else 0
            assert mode & 0o077 & ~passes == 0, (path, oct(mode))


def test_a_second_launcher_on_the_same_data_is_refused(site: Site) -> None:
    """One line says who is there."""
    first = site.up()

    code, errors = Launcher(site.data).end()

    assert code == 1
    assert errors == f"{site.data} is in use by another launcher (process {first.process.pid})\n"


def test_ctrl_c_stops_everything(site: Site) -> None:
    """The launcher ends well, and nothing it started is left."""
    launcher = site.up()
    started = descendants(launcher.process.pid)

    launcher.ctrl_c()

    assert launcher.end()[0] == 0
    wait_until_gone(*started)


def test_ctrl_c_during_the_start_stops_everything(open_dir: Path) -> None:
    """Impatience leaves nothing behind either."""
    launcher = Launcher(open_dir)
    wait_until(lambda: len(descendants(launcher.process.pid)) > 1, _BOUND, "the first server")
    started = descendants(launcher.process.pid)

    launcher.ctrl_c()

    assert launcher.end()[0] == 0
    wait_until_gone(*started)


async def test_a_killed_launcher_leaves_nothing_in_the_way(site: Site) -> None:
    """Its servers stop by themselves, and the next launcher waits for that."""
    first = site.up()
    table = await create_table(first.addresses())
    started = descendants(first.process.pid)
    first.process.kill()
    first.process.wait(_BOUND)

    second = site.launch().addresses()

    wait_until_gone(*started)
    assert second == first.addresses()
    assert await rows(second, table) == 0


async def test_everything_killed_starts_again_on_the_same_data(site: Site) -> None:
    """As after a power cut: no stale lock, no stale pid file, and the data is there."""
    first = site.up()
    table = await create_table(first.addresses())
    first.kill_all()

    second = site.launch().addresses()

    assert second == first.addresses()
    assert await rows(second, table) == 0
