"""Tokens by the command line: issued, listed, rotated with an overlap, revoked at once, in all stores."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from deploy import tokens as command
from deploy.local.stack import Stack
from deploy.provision import PARTIES, ProvisionError, keep_tokens, provision, read_parties
from services.chassis.base.database import open_pool
from services.chassis.base.parties import digest
from services.chassis.base.tokens import StoredToken, TokenBook

pytestmark = pytest.mark.servers

Say = Callable[..., tuple[int, str]]


@pytest.fixture
def say(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs the command on provisioned stores; gives its exit code and what it said."""
    asyncio.run(provision(stack.access, stack.database_urls, tmp_path / "tokens.json", new_tokens=True))
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = command.main(arguments)
        said = capsys.readouterr()
        return code, (said.out + said.err).strip()

    return run


def held(stack: Stack, token: str) -> list[StoredToken | None]:
    """What each store knows of a token that is valid."""

    async def look() -> list[StoredToken | None]:
        found = []
        for url in stack.database_urls.values():
            pool = await open_pool(url, "test", 1)
            found.append(await TokenBook().find(pool, digest(token)))
            pool.terminate()
        return found

    return asyncio.run(look())


def test_an_issued_token_is_good_in_every_store_for_its_scopes(stack: Stack, say: Say) -> None:
    code, token = say("issue", "pr", "--label", "station", "--scope", "report", "--expires", "90d")

    found = held(stack, token)
    assert (code, len(found)) == (0, 3)
    assert {(h.party, h.label, h.scopes) for h in found if h} == {("pr", "station", frozenset({"report"}))}
    assert "station" in say("list", "pr")[1]
    assert token not in say("list")[1]


def test_a_revoked_token_is_good_in_no_store_and_provisioning_does_not_bring_it_back(
    stack: Stack, say: Say, tmp_path: Path
) -> None:
    token = keep_tokens(tmp_path / "tokens.json", read_parties())["rzd"]
    assert None not in held(stack, token)

    assert say("revoke", "rzd", "--label", "provisioned") == (0, "revoked: provisioned")
    assert set(held(stack, token)) == {None}
    asyncio.run(provision(stack.access, stack.database_urls, tmp_path / "tokens.json"))
    assert set(held(stack, token)) == {None}


def test_rotation_leaves_the_token_before_for_a_while(stack: Stack, say: Say) -> None:
    _, first = say("issue", "ktz", "--label", "first")
    _, second = say("rotate", "ktz", "--overlap", "1h")

    assert None not in held(stack, first) + held(stack, second)
    _, third = say("rotate", "ktz", "--overlap", "1h", "--label", "third")
    lines = say("list", "ktz")[1].splitlines()
    assert [line for line in lines if "never ends" not in line and "third" in line] == []
    assert len([line for line in lines if " ends " in line]) == len(lines) - 3
    assert None not in held(stack, third)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("issue", "nobody", "--label", "x"), "tokens: nobody is no party"),
        (("revoke", "pr", "--label", "nothing"), "tokens: pr has no such token"),
        (("issue", "pr", "--label", "session-1"), "tokens: a label does not begin with session-"),
    ],
)
def test_what_cannot_be_done_is_one_line(say: Say, arguments: tuple[str, ...], says: str) -> None:
    assert say(*arguments) == (2, says)


def test_a_store_that_cannot_be_reached_is_one_line(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMS_DATABASE_URL", "postgresql://x:x@127.0.0.1:1/x")

    code, said = say("list")

    assert (code, len(said.splitlines())) == (2, 1)


def test_who_is_gone_from_the_file_is_gone_from_the_stores(stack: Stack, say: Say, tmp_path: Path) -> None:
    tokens_file = tmp_path / "tokens.json"
    token = keep_tokens(tokens_file, read_parties())["sialkot-leather"]
    shorter = parties_without(tmp_path, "sialkot-leather")

    asyncio.run(provision(stack.access, stack.database_urls, tokens_file, shorter))

    assert set(held(stack, token)) == {None}
    assert "sialkot-leather" not in tokens_file.read_text()
    assert say("list", "sialkot-leather") == (0, "")
    asyncio.run(provision(stack.access, stack.database_urls, tokens_file))


def parties_without(directory: Path, party: str) -> Path:
    document = yaml.safe_load(PARTIES.read_text(encoding="utf-8"))
    document["parties"] = [entry for entry in document["parties"] if entry["party"] != party]
    document["agreements"] = [group for group in document["agreements"] if party not in group]
    return written(directory, document)


def written(directory: Path, document: object) -> Path:
    file = directory / "parties.yaml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sources": ["urn:corridor:rai:ops"]}, "the source urn:corridor:rai:ops is there twice"),
        ({"party": "rai", "sources": ["urn:corridor:x:ops"]}, "the party rai is there twice"),
        ({"speaks_for": ["nobody"]}, "pr has to do with nobody, which is no party"),
    ],
)
def test_parties_that_could_be_taken_for_one_another_are_refused(
    tmp_path: Path, change: dict[str, object], says: str
) -> None:
    document = yaml.safe_load(PARTIES.read_text(encoding="utf-8"))
    document["parties"][0].update(change)

    with pytest.raises(ProvisionError, match=says):
        read_parties(written(tmp_path, document))


def test_a_budget_is_that_of_all_then_of_the_role_then_of_the_party(tmp_path: Path) -> None:
    document = yaml.safe_load(PARTIES.read_text(encoding="utf-8"))
    document["budgets"] = {"all": {"open_streams": 7, "reports_a_minute": 8}, "railway": {"open_streams": 9}}
    document["parties"][0]["budget"] = {"requests_in_flight": 3}

    parties = {p.party: p.budget for p in read_parties(written(tmp_path, document))}

    pr, rai, fbr = parties["pr"], parties["rai"], parties["fbr"]
    assert (pr.open_streams, pr.reports_a_minute, pr.requests_in_flight) == (9, 8, 3)
    assert (rai.open_streams, rai.requests_in_flight, fbr.open_streams) == (9, 16, 7)


def test_a_budget_for_a_role_that_there_is_not_is_refused(tmp_path: Path) -> None:
    document = yaml.safe_load(PARTIES.read_text(encoding="utf-8"))
    document["budgets"] = {"railways": {}}

    with pytest.raises(ProvisionError, match="railways, which is no role"):
        read_parties(written(tmp_path, document))
