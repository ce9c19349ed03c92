"""The command about dead letters: what it asks a running copy, and how it ends when it cannot."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from deploy.services import ROOT
from services.chassis.dead_letters import cli
from services.tracking.api import make_app
from tests.chassis.test_openapi import document_of
from tests.support import builders as b
from tests.support.broken import TOPIC, quarantined
from tests.support.edges import give_tokens, serving
from tests.support.pipeline import runtime_of
from tests.support.stores import Store


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command has ended: its exit code, its JSON lines, and what it said beside them."""

    code: int | None
    rows: list[Any]
    said: str


Command = Callable[..., Awaitable[Ended]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `dead-letters` with these words, in an environment."""

    async def run(environ: Mapping[str, str], *words: str) -> Ended:
        with monkeypatch.context() as given:
            for name in ("TRACKING", "CORRIDOR_TOKEN", "TOKENS"):
                given.setenv(name, environ.get(name, ""))
            given.setenv("LOGNAME", "anna")
            code = await asyncio.to_thread(cli.run, "tracking", words)
        rows, said = capsys.readouterr()
        return Ended(code, [json.loads(line) for line in rows.splitlines()], said)

    return run


@asynccontextmanager
async def served(store: Store, **environ: str) -> AsyncIterator[dict[str, str]]:
    """A copy on a store that answers over HTTP, and the environment of who works on it."""
    await give_tokens(store, ("operations", "pr"))
    # The copy is in this process, where a log would be among what the command says.
    with capture_logs():
        async with serving(make_app(runtime_of(store))) as port:
            yield {"TRACKING": f"http://127.0.0.1:{port}", "CORRIDOR_TOKEN": "token-of-operations"} | environ


@pytest.mark.servers
async def test_it_does_all_that_is_done_with_dead_letters(store: Store, command: Command) -> None:
    with capture_logs():
        await quarantined(store, "a", "b")
    async with served(store) as environ:
        count = await command(environ, "count")
        listed = await command(environ, "list", "--party", "pr", "--limit", "1")
        first = str(listed.rows[0]["id"])
        others = await command(environ, "list", "--after", first)
        shown = await command(environ, "show", first)
        dry = await command(environ, "replay", "--id", first, "--dry-run")
        nobodys = await command(environ, "replay", "--reason", "quarantined", "--party", "", "--dry-run")
        wet = await command(environ, "replay", "--reason", "quarantined", "--since", "2020-01-01T00:00:00Z")
        again = await command(environ, "discard", "--all", "--why", "nothing is left", "--by", "boris")
        actions = await command(environ, "actions")

    assert (count.code, count.rows[0]["number"]) == (0, 2)
    assert [row["topic"] for row in listed.rows] == [TOPIC]
    assert len(others.rows) == 1
    assert shown.rows[0]["body"] == b.a_plan(id="a").body.decode()
    assert dry.rows[0]["outcomes"] == {"accepted": 1}
    assert nobodys.rows[0]["found"] == 0
    assert (wet.code, wet.rows[0]["outcomes"]) == (0, {"accepted": 2})
    assert again.rows[0]["found"] == 0
    assert [a["by"] for a in actions.rows] == ["operations/boris", "operations/anna"]


@pytest.mark.servers
async def test_it_fails_when_something_failed_again(store: Store, command: Command) -> None:
    await store.take([b.a_record(TOPIC, 0, (), b"{")])
    async with served(store) as environ:
        ended = await command(environ, "replay", "--all")

    assert (ended.code, len(ended.rows[0]["failed"])) == (1, 1)


@pytest.mark.servers
@pytest.mark.parametrize(
    ("words", "environ", "code", "said"),
    [
        (("show", "0"), {}, 1, "tracking: there is no dead letter 0 (404)"),
        (("count",), {"CORRIDOR_TOKEN": "wrong"}, 2, "tracking: the token is not valid, or not any more (401)"),
        (("count",), {"CORRIDOR_TOKEN": "token-of-pr"}, 2, "tracking: only operations may do this (403)"),
        (("list", "--since", "noon"), {}, 2, "tracking: the request does not fit (422); query.since"),
    ],
    ids=["not there", "not valid", "not entitled", "no instant"],
)
async def test_what_is_refused_is_told_in_one_line(
    store: Store, command: Command, words: tuple[str, ...], environ: dict[str, str], code: int, said: str
) -> None:
    async with served(store, **environ) as given:
        ended = await command(given, *words)

    assert (ended.code, ended.rows) == (code, [])
    assert ended.said.startswith(said) and ended.said.count("\n") == 1


@pytest.mark.servers
async def test_the_file_of_tokens_will_do(store: Store, command: Command, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps({"operations": "token-of-operations", "pr": "token-of-pr"}))
    async with served(store, CORRIDOR_TOKEN="") as environ:
        by_option = await command(environ | {"CORRIDOR_TOKEN": "wrong"}, "--tokens", str(tokens), "count")
        by_environment = await command(environ | {"TOKENS": str(tokens)}, "count")

    assert (by_option.code, by_environment.code) == (0, 0)


@pytest.mark.parametrize(
    ("words", "environ", "code", "said"),
    [
        (("count",), {}, 2, "tracking: where does a copy answer?"),
        (("--address", "localhost:1", "count"), {}, 2, "tracking: where does a copy answer?"),
        (("--address", "http://127.0.0.1:1", "count"), {}, 2, "tracking: no token"),
        (("--address", "http://127.0.0.1:1", "--tokens", "/nowhere", "count"), {}, 2, "tracking: /nowhere has no"),
        (("replay",), {"TRACKING": "http://127.0.0.1:1", "CORRIDOR_TOKEN": "x"}, 2, "tracking: say which dead"),
        (("count",), {"TRACKING": "http://127.0.0.1:1", "CORRIDOR_TOKEN": "x"}, 1, "tracking: http://127.0.0.1:1/"),
    ],
    ids=["no address", "no scheme", "no token", "no file", "no condition", "nobody there"],
)
async def test_what_cannot_be_asked_is_told_in_one_line(
    command: Command, words: tuple[str, ...], environ: dict[str, str], code: int, said: str
) -> None:
    ended = await command(environ, *words)

    assert (ended.code, ended.rows) == (code, [])
    assert ended.said.startswith(said) and ended.said.count("\n") == 1


def test_it_is_run_by_the_one_command() -> None:
    words = (sys.executable, "-m", "corridor", "dead-letters", "tracking", "count")
    ended = subprocess.run(words, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("tracking: where does a copy answer?")


def test_all_that_it_asks_is_in_the_document_of_the_api() -> None:
    document = document_of("tracking")
    asked = {p["name"] for p in document["paths"]["/ops/dead-letters"]["get"]["parameters"]}
    sent = [set(document["components"]["schemas"][name]["properties"]) for name in ("Filter", "Replay", "Discard")]

    assert asked == {"id", "reason", "party", "topic", "since", "until", "resolved", "after", "limit"}
    assert sent == [
        {"ids", "reason", "party", "topic", "since", "until", "resolved"},
        {"filter", "by", "dry_run", "again"},
        {"filter", "by", "reason"},
    ]
