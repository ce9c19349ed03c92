"""Kafka's jars: fetched once, checked always, refused when they are not what the list says."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.local import jars as module
from deploy.local.jars import Jar, JarRefused, JarUnavailable, ensure_jars, read_lock
from deploy.local.resolve_jars import WANTED, render
from tests.deploy.processes import python

_BOUND = 30
_ENSURE = """
import sys
from pathlib import Path
from deploy.local.jars import ensure_jars, read_lock
print(*ensure_jars(Path(sys.argv[1]), read_lock(Path(sys.argv[2])), repository=sys.argv[3]), sep="\\n")
"""


class Repository(ThreadingHTTPServer):
    """An artifact repository on the loopback address that can be told to misbehave."""

    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.failures: list[int] = []
        self.broken_off: list[int] = []
        self.asked: list[str] = []
        self.is_asked, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, name: str, content: bytes) -> Jar:
        jar = Jar("org.example", name, "1.0", len(content), hashlib.sha256(content).hexdigest())
        self.files[f"/{jar.url_path}"] = content
        return jar

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        self.is_asked.set()
        assert self.may_answer.wait(_BOUND)
        if self.failures:
            return self.failures.pop(0), b""
        content = self.files.get(path)
        return (404, b"") if content is None else (200, content)


class _Handler(BaseHTTPRequestHandler):
    server: Repository

    def do_GET(self) -> None:
        status, body = self.server.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.broken_off.pop()] if self.server.broken_off else body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Repository() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def silent(line: str) -> None:
    pass


def test_missing_jars_are_fetched_in_the_order_of_the_list(tmp_path: Path, repository: Repository) -> None:
    """The order is that of the class path, which the AOT cache depends on."""
    jars = [repository.add(name, name.encode()) for name in ("b", "a", "c")]

    paths = ensure_jars(tmp_path, jars, silent, repository.url)

    assert [path.read_bytes() for path in paths] == [b"b", b"a", b"c"]


def test_jars_in_the_cache_are_not_fetched_again(tmp_path: Path, repository: Repository) -> None:
    """A second start needs no network."""
    jars = [repository.add("a", b"content")]
    ensure_jars(tmp_path, jars, silent, repository.url)

    ensure_jars(tmp_path, jars, silent, "http://127.0.0.1:1")

    assert len(repository.asked) == 1


def test_a_damaged_jar_is_fetched_again(tmp_path: Path, repository: Repository) -> None:
    """What lies in the cache is checked at every start."""
    jar = repository.add("a", b"content")
    (tmp_path / jar.file_name).write_bytes(b"damaged")

    [path] = ensure_jars(tmp_path, [jar], silent, repository.url)

    assert path.read_bytes() == b"content"


def test_a_wrong_jar_is_refused(tmp_path: Path, repository: Repository) -> None:
    """One message names it, and nothing of it stays in the cache."""
    jar = repository.add("a", b"content")
    repository.files[f"/{jar.url_path}"] = b"tampered"

    with pytest.raises(JarRefused, match=r"^a-1\.0\.jar refused: .*SHA-256"):
        ensure_jars(tmp_path, [jar], silent, repository.url)

    assert list(tmp_path.iterdir()) == []
    assert len(repository.asked) == 1


def test_a_passing_failure_is_tried_again(tmp_path: Path, repository: Repository) -> None:
    """A repository that is busy for a moment does not stop the start."""
    jar = repository.add("a", b"content")
    repository.failures = [503]

    [path] = ensure_jars(tmp_path, [jar], silent, repository.url)

    assert path.read_bytes() == b"content"


def test_a_lasting_failure_is_told_at_once(tmp_path: Path, repository: Repository) -> None:
    """A jar that does not exist is asked for once."""
    jar = Jar("org.example", "absent", "1.0", 1, "0" * 64)

    with pytest.raises(JarUnavailable, match=r"^absent-1\.0\.jar could not be fetched: .*404"):
        ensure_jars(tmp_path, [jar], silent, repository.url)

    assert len(repository.asked) == 1


def test_a_download_that_breaks_off_is_tried_again(tmp_path: Path, repository: Repository) -> None:
    """Half a jar is no jar."""
    jar = repository.add("a", b"content")
    repository.broken_off = [3]

    [path] = ensure_jars(tmp_path, [jar], silent, repository.url)

    assert path.read_bytes() == b"content"
    assert len(repository.asked) == 2


def test_without_a_network_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line names the jar and what the system has said."""
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0)
    jar = Jar("org.example", "a", "1.0", 1, "0" * 64)

    with pytest.raises(JarUnavailable, match=r"^a-1\.0\.jar could not be fetched: \[Errno \d+\] Connection refused$"):
        ensure_jars(tmp_path, [jar], silent, "http://127.0.0.1:1")


def test_an_address_that_cannot_be_one_is_told_at_once(tmp_path: Path) -> None:
    jar = Jar("org.example", "a", "1.0", 1, "0" * 64)

    with pytest.raises(JarUnavailable, match=r"^a-1\.0\.jar could not be fetched: "):
        ensure_jars(tmp_path, [jar], silent, "htp://example")


def test_after_a_failure_no_more_is_asked_for(tmp_path: Path, repository: Repository) -> None:
    """Each of those that fetch at once fails once at most."""
    jars = [Jar("org.example", f"absent-{n}", "1.0", 1, "0" * 64) for n in range(40)]

    with pytest.raises(JarUnavailable, match=r"^absent-\d+-1\.0\.jar could not be fetched: .*404"):
        ensure_jars(tmp_path, jars, silent, repository.url)

    assert len(repository.asked) <= module._THREADS


def test_two_processes_fetch_once(tmp_path: Path, repository: Repository) -> None:
    """The second says that it waits, and has what the first has fetched."""
    lock, cache = tmp_path / "jars.lock", tmp_path / "cache"
    jar = repository.add("a", b"content")
    lock.write_text(render(("org.example:a:1.0",), [jar]))
    repository.may_answer.clear()
    command = ("-c", _ENSURE, str(cache), str(lock), repository.url)

    first = python(*command)
    assert repository.is_asked.wait(_BOUND)
    second = python(*command)
    assert second.stdout is not None
    assert "waiting for another start" in second.stdout.readline()
    repository.may_answer.set()

    for process in (first, second):
        output, errors = process.communicate(timeout=_BOUND)
        assert output.splitlines()[-1] == str(cache / jar.file_name), errors
    assert len(repository.asked) == 1


def test_two_starts_may_fetch_at_once(tmp_path: Path, repository: Repository) -> None:
    """Also within one process: neither sees half of the other's, and each jar is fetched once."""
    jars = [repository.add(f"jar-{n}", bytes([n]) * 50_000) for n in range(10)]

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(ensure_jars, tmp_path, jars, silent, repository.url) for _ in range(2)]

    assert both[0].result() == both[1].result()
    assert len(list(tmp_path.iterdir())) == len(jars) == len(repository.asked)


def test_progress_ends_with_all_of_all(tmp_path: Path, repository: Repository) -> None:
    """A first start says what it is doing."""
    jars = [repository.add(name, b"content") for name in ("a", "b")]
    lines: list[str] = []

    ensure_jars(tmp_path, jars, lines.append, repository.url)

    assert lines[0].startswith("Kafka: fetching 2 jars")
    assert lines[-1].startswith("Kafka: 2 of 2 jars")


def test_the_committed_list_holds_what_is_wanted() -> None:
    """Changing what is wanted without writing the list anew would go unnoticed otherwise."""
    listed = {f"{jar.group}:{jar.artifact}:{jar.version}" for jar in read_lock()}

    assert set(WANTED) <= listed


def test_a_written_list_reads_back(tmp_path: Path) -> None:
    """The writer of the list and its reader agree."""
    jars = [Jar("org.example", "a", "1.0", 3, "0" * 64), Jar("org.example", "b", "2.0", 4, "1" * 64)]
    lock = tmp_path / "jars.lock"

    lock.write_text(render(("org.example:a:1.0",), jars))

    assert read_lock(lock) == jars
