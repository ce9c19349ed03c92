"""Provisioning again changes nothing but what the parties' file has changed; what is wrong is one line."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from deploy.broker_clients import PASSWORDS
from deploy.environment import write_environment
from deploy.launcher import launched
from deploy.local.errors import CannotRun
from deploy.local.stack import Stack
from deploy.provision import PARTIES, provision
from deploy.services import ROOT, Endpoint

pytestmark = pytest.mark.servers


async def hashes(stack: Stack) -> dict[str, bytes]:
    connection = await asyncpg.connect(stack.database_urls["customs"])
    try:
        return {row["party"]: row["sha256"] for row in await connection.fetch("SELECT party, sha256 FROM token")}
    finally:
        await connection.close()


async def test_tokens_that_are_out_stay_valid_when_their_file_is_not_at_hand(stack: Stack, tmp_path: Path) -> None:
    first = await provision(stack.access, stack.database_urls, tmp_path / "first.json", new_tokens=True)
    before = await hashes(stack)

    again = await provision(stack.access, stack.database_urls, tmp_path / "other.json")

    assert first
    assert (again, await hashes(stack)) == ({}, before)


async def test_new_tokens_replace_them_when_asked_for(stack: Stack, tmp_path: Path) -> None:
    await provision(stack.access, stack.database_urls, tmp_path / "first.json", new_tokens=True)
    before = await hashes(stack)

    fresh = await provision(stack.access, stack.database_urls, tmp_path / "other.json", new_tokens=True)

    after = await hashes(stack)
    assert sorted(fresh) == sorted(after)
    assert not set(before.values()) & set(after.values())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"KAFKA_BOOTSTRAP_SERVERS": ""}, "provision: KAFKA_BOOTSTRAP_SERVERS is not set"),
        ({"TRACKING_DATABASE_URL": "postgresql://x:x@127.0.0.1:1/x"}, "provision: ConnectionRefusedError: "),
    ],
)
def test_what_is_wrong_is_one_line(stack: Stack, tmp_path: Path, change: dict[str, str], says: str) -> None:
    ended = run({**stack.environment(), **change}, tmp_path, PARTIES)

    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert ended.stderr.startswith(says)


def test_a_launcher_without_the_tokens_of_its_stores_says_so(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that is started in a terminal that has read the environment of another."""
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)
    asyncio.run(provision(stack.access, stack.database_urls, tmp_path / "first.json", new_tokens=True))

    with pytest.raises(CannotRun, match="tokens that are not in"), launched(tmp_path, lambda _: None, []):
        pass


@pytest.mark.parametrize("text", ["[]", "parties: []", "{"])
def test_a_file_of_parties_that_is_none_is_one_line(stack: Stack, tmp_path: Path, text: str) -> None:
    (tmp_path / "parties.yaml").write_text(text)

    ended = run(stack.environment(), tmp_path, tmp_path / "parties.yaml")

    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)


def run(environ: dict[str, str], directory: Path, parties: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "corridor",
        "provision",
        "--tokens",
        str(directory / "t.json"),
        "--parties",
        str(parties),
    ]
    return subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_shell_that_reads_the_environment_file_has_addresses_and_tokens(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text(json.dumps({"a-b": "t1", "pr": "t-2_x"}, indent=1, sort_keys=True))
    endpoints = [Endpoint("tracking", "tracking-1", "http://one"), Endpoint("tracking", "tracking-2", "http://two")]
    file = write_environment(tmp_path / "environment", {"A": "it's"}, endpoints, tmp_path / "tokens.json")

    asked = f'. {file}; echo "$A $TRACKING $(token pr) $(token a-b) $(token nobody)"'
    said = subprocess.run(["sh", "-c", asked], capture_output=True, text=True, timeout=10, check=True)

    assert said.stdout == "it's http://one t-2_x t1 \n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_launcher_without_the_passwords_of_its_kafka_says_so(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tokens are there, and the file of passwords is not: Kafka keeps those that somebody else has."""
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)
    asyncio.run(provision(stack.access, stack.database_urls, tmp_path / "tokens.json", new_tokens=True))
    (tmp_path / PASSWORDS).unlink(missing_ok=True)

    with pytest.raises(CannotRun, match=r"no password of service\."), launched(tmp_path, lambda _: None, []):
        pass


@pytest.mark.parametrize(
    ("quotas", "says"),
    [
        ("", "has no `quotas`"),
        ("quotas: {railway: {request_percentage: 5}}", "is a operations, for which there are no quotas"),
        ("quotas: {operations: {requests: 5}}", "quotas of operations: requests is none of"),
    ],
)
def test_quotas_that_cannot_be_are_one_line(stack: Stack, tmp_path: Path, quotas: str, says: str) -> None:
    party = "{party: operations, name: Operations, role: operations}"
    (tmp_path / "parties.yaml").write_text(f"may: {{}}\nparties: [{party}]\n{quotas}\n")

    ended = run(stack.environment(), tmp_path, tmp_path / "parties.yaml")

    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert says in ended.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"KAFKA_SECURITY": "tls"},
            "KAFKA_SECURITY=tls: must be one of plaintext, sasl_plaintext, sasl_ssl",
        ),
        ({"KAFKA_PASSWORD": ""}, "KAFKA_PASSWORD is not set"),
    ],
)
def test_signing_in_as_nobody_is_one_line(stack: Stack, tmp_path: Path, change: dict[str, str], says: str) -> None:
    ended = run({**stack.environment(), **change}, tmp_path, PARTIES)

    assert (ended.returncode, ended.stderr.splitlines()) == (2, [f"provision: {says}"])


def test_a_wrong_password_is_told_as_what_it_is(stack: Stack, tmp_path: Path) -> None:
    ended = run({**stack.environment(), "KAFKA_PASSWORD": "guessed"}, tmp_path, PARTIES)

    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert "invalid credentials" in ended.stderr
