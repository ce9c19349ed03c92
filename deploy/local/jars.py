"""Kafka's jars: the committed list, and fetching what it names into the cache.

Invariant: no jar is handed out whose SHA-256 is not the one in `kafka_jars.lock`; all of them are checked at every
start. Starts at the same time fetch each jar once between them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pooch
import requests
from filelock import FileLock, Timeout
from jgo.constants import MAVEN_CENTRAL_URL

from deploy.local.errors import CannotRun

LOCK_FILE = Path(__file__).with_name("kafka_jars.lock")
_THREADS = 8
_TRIES = 5
_FIRST_PAUSE = 0.5
_DOWNLOADER = pooch.HTTPDownloader(chunk_size=1 << 16, timeout=(10, 30))
_RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})

Progress = Callable[[str], None]


class JarRefused(CannotRun):
    """A jar that was fetched is not the jar in the list."""


class JarUnavailable(CannotRun):
    """A jar could not be fetched."""


@dataclass(frozen=True)
class Jar:
    group: str
    artifact: str
    version: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    @property
    def url_path(self) -> str:
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file_name}"


def read_lock(path: Path = LOCK_FILE) -> list[Jar]:
    """The jars of the list, in the order of the class path."""
    rows = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return [Jar(group, artifact, version, int(size), sha256) for group, artifact, version, size, sha256 in rows]


def ensure_jars(
    directory: Path,
    jars: Sequence[Jar],
    progress: Progress = print,
    repository: str = MAVEN_CENTRAL_URL,
) -> list[Path]:
    """Fetch what is missing or damaged in `directory` and return the paths, all checked.

    Raises `JarUnavailable` for what cannot be fetched, `JarRefused` for what is not what the list says.
    """
    if _missing(directory, jars):
        directory.mkdir(parents=True, exist_ok=True)
        with _alone(directory, progress):
            if missing := _missing(directory, jars):
                _fetch_all(directory, missing, progress, repository)
    return [directory / jar.file_name for jar in jars]


def _missing(directory: Path, jars: Sequence[Jar]) -> list[Jar]:
    with ThreadPoolExecutor(_THREADS) as pool:
        intact = pool.map(lambda jar: _is_intact(directory / jar.file_name, jar), jars)
        return [jar for jar, good in zip(jars, intact, strict=True) if not good]


def _is_intact(path: Path, jar: Jar) -> bool:
    return path.exists() and pooch.file_hash(path) == jar.sha256


@contextmanager
def _alone(directory: Path, progress: Progress) -> Iterator[None]:
    """One process fetches; others wait for it, and then have what it has fetched."""
    lock = FileLock(f"{directory}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        progress("Kafka: waiting for another start, which is fetching the jars")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _fetch_all(directory: Path, jars: Sequence[Jar], progress: Progress, repository: str) -> None:
    pooch.get_logger().setLevel(logging.WARNING)
    store = pooch.create(
        path=directory,
        base_url="",
        registry={jar.file_name: f"sha256:{jar.sha256}" for jar in jars},
        urls={jar.file_name: f"{repository}/{jar.url_path}" for jar in jars},
    )
    count, failed = _Counter(jars, progress), threading.Event()

    def fetch(jar: Jar) -> Jar:
        if not failed.is_set():
            try:
                _fetch(store, jar)
            except BaseException:
                failed.set()
                raise
        return jar

    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for jar in pool.map(fetch, jars):
                count.one_done(jar)
        finally:
            failed.set()


def _fetch(store: pooch.Pooch, jar: Jar) -> None:
    """Fetches one, trying again after errors that may pass; the store would do so after all errors."""
    for attempt in range(_TRIES):
        try:
            Path(store.fetch(jar.file_name, downloader=_DOWNLOADER)).chmod(0o644)
            return
        except requests.RequestException as error:
            if not _may_pass(error) or attempt == _TRIES - 1:
                raise JarUnavailable(f"{jar.file_name} could not be fetched: {_reason(error)}") from error
            time.sleep(_FIRST_PAUSE * 2**attempt)
        except ValueError as error:
            raise JarRefused(
                f"{jar.file_name} refused: what was fetched has another SHA-256 than {LOCK_FILE.name} says"
            ) from error


def _may_pass(error: requests.RequestException) -> bool:
    if error.response is not None:
        return error.response.status_code in _RETRIED_STATUS
    return not isinstance(error, ValueError)  # an address that cannot be one


def _reason(error: BaseException) -> str:
    """What lies at the bottom of it; above that is a page of words on how it was reached."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error)


class _Counter:
    """Tells how far the download is, at most once in ten megabytes."""

    def __init__(self, jars: Sequence[Jar], progress: Progress) -> None:
        self._progress = progress
        self._files, self._bytes = len(jars), sum(jar.size for jar in jars)
        self._files_done = self._bytes_done = self._told = 0
        progress(f"Kafka: fetching {self._files} jars, {self._bytes / 1e6:.0f} MB (first time only)")

    def one_done(self, jar: Jar) -> None:
        self._files_done += 1
        self._bytes_done += jar.size
        if self._bytes_done // 10_000_000 > self._told or self._files_done == self._files:
            self._told = self._bytes_done // 10_000_000
            done = f"{self._files_done} of {self._files} jars"
            self._progress(f"Kafka: {done}, {self._bytes_done / 1e6:.0f} of {self._bytes / 1e6:.0f} MB")
