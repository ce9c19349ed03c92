"""Kafka's jars: the committed list, and fetching what it names into the cache.

Invariant: no jar is handed out whose SHA-256 is not the one in `kafka_jars.lock`; all of them are
checked at every start.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
from jgo.constants import MAVEN_CENTRAL_URL

from deploy.local.cache import replacing
from deploy.local.errors import CannotRun

LOCK_FILE = Path(__file__).with_name("kafka_jars.lock")
_THREADS = 8
_TRIES = 5
_FIRST_PAUSE = 0.5
_TIMEOUT = httpx.Timeout(30, connect=10)
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
    """Fetch what is missing or damaged in `directory` and return the paths, all checked."""
    with ThreadPoolExecutor(_THREADS) as pool:
        intact = list(pool.map(lambda jar: _is_intact(directory / jar.file_name, jar), jars))
    missing = [jar for jar, good in zip(jars, intact, strict=True) if not good]
    if missing:
        _fetch_all(directory, missing, progress, repository)
    return [directory / jar.file_name for jar in jars]


def _is_intact(path: Path, jar: Jar) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False


def _fetch_all(directory: Path, jars: Sequence[Jar], progress: Progress, repository: str) -> None:
    count = _Counter(jars, progress)
    abandoned = threading.Event()
    with (
        httpx.Client(timeout=_TIMEOUT, follow_redirects=True) as client,
        ThreadPoolExecutor(_THREADS) as pool,
    ):

        def fetch(jar: Jar) -> None:
            if not abandoned.is_set():
                _fetch(client, f"{repository}/{jar.url_path}", jar, directory)
                count.one_done(jar)

        try:
            for _ in pool.map(fetch, jars):
                pass
        except BaseException:
            abandoned.set()
            raise


def _fetch(client: httpx.Client, url: str, jar: Jar, directory: Path) -> None:
    with replacing(directory / jar.file_name) as scratch:
        _download_patiently(client, url, jar, scratch)
        if not _is_intact(scratch, jar):
            raise JarRefused(
                f"{jar.file_name} refused: what was fetched has another SHA-256 than {LOCK_FILE.name} says"
            )


def _download_patiently(client: httpx.Client, url: str, jar: Jar, scratch: Path) -> None:
    """Download, trying again after errors that may pass."""
    for attempt in range(_TRIES):
        try:
            _download(client, url, scratch)
            return
        except (httpx.TransportError, httpx.HTTPStatusError) as error:
            if not _may_pass(error) or attempt == _TRIES - 1:
                raise JarUnavailable(f"{jar.file_name} could not be fetched: {error}") from error
            time.sleep(_FIRST_PAUSE * 2**attempt)


def _download(client: httpx.Client, url: str, scratch: Path) -> None:
    with client.stream("GET", url) as response, scratch.open("wb") as file:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            file.write(chunk)


def _may_pass(error: httpx.HTTPError) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in _RETRIED_STATUS
    return not isinstance(error, httpx.UnsupportedProtocol)


class _Counter:
    """Tells how far the download is, at most once per whole megabyte."""

    def __init__(self, jars: Sequence[Jar], progress: Progress) -> None:
        self._lock = threading.Lock()
        self._progress = progress
        self._files, self._bytes = len(jars), sum(jar.size for jar in jars)
        self._files_done = self._bytes_done = self._told = 0
        progress(f"Kafka: fetching {self._files} jars, {self._bytes / 1e6:.0f} MB (first time only)")

    def one_done(self, jar: Jar) -> None:
        with self._lock:
            self._files_done += 1
            self._bytes_done += jar.size
            if self._bytes_done // 10_000_000 > self._told or self._files_done == self._files:
                self._told = self._bytes_done // 10_000_000
                done = f"{self._files_done} of {self._files} jars"
                self._progress(f"Kafka: {done}, {self._bytes_done / 1e6:.0f} of {self._bytes / 1e6:.0f} MB")
