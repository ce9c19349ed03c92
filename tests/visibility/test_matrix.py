"""The matrix of who sees what: every party at every topic and door, on real servers, secrets in every free field."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from contracts import topics
from deploy.provision import read_parties
from services.chassis.base import visibility
from services.notifications import feeds
from services.tracking.domain import seen
from tests.faults import looked
from tests.support.doors import Doors
from tests.support.pipeline import Line
from tests.support.system import System, running_system
from tests.visibility import expected, matrix, scene
from tests.visibility.matrix import NOBODY, Matrix

pytestmark = pytest.mark.servers

PARTIES = read_parties()
NAMES = [party.party for party in PARTIES]


def of_topics(found: Matrix, system: System) -> None:
    """Reads each topic for whoever may read it."""
    records = looked._topics(system.stack.access)
    for party in PARTIES:
        for name in matrix.topics_for(party):
            row = next(t for t in topics.TABLE if t.holds(name))
            texts = [str((r.key, r.headers, (r.value or b"").decode())) for r in records.get(name, ())]
            found.take(party.party, row.name, "\n".join(texts))


class Client:
    """Asks the services of a system over HTTP."""

    def __init__(self, system: System, http: httpx.AsyncClient) -> None:
        self._system = system
        self._http = http

    async def ask(self, service: str, path: str, party: str, query: Mapping[str, Any]) -> tuple[int, str]:
        url = self._system.services.url(service) + path
        headers = self._system.headers(party) if party else {}
        if path == "/v1/stream" and party:
            return await self._streamed(url, headers)
        answer = await self._got(url, query, headers)
        return answer.status_code, answer.text

    async def _got(self, url: str, query: Mapping[str, Any], headers: dict[str, str]) -> httpx.Response:
        """The answer; who has spent its budget waits for as long as it is told."""
        answer = await self._http.get(url, params=dict(query), headers=headers)
        if answer.status_code != 429:
            return answer
        await asyncio.sleep(float(answer.headers["Retry-After"]))
        return await self._got(url, query, headers)

    async def _streamed(self, url: str, headers: dict[str, str]) -> tuple[int, str]:
        """The stream as far as the feed goes now."""
        feed = await self._got(url.replace("stream", "feed"), {"last": 1}, headers)
        last, text = feed.json()["after"], ""
        async with self._http.stream("GET", url, headers=headers) as answer:
            async for part in answer.aiter_text():
                text += part
                if not last or f"id: {last}" in text:
                    return answer.status_code, text
        return answer.status_code, text


async def test_nobody_reads_what_is_not_for_him(capsys: pytest.CaptureFixture[str]) -> None:
    found = Matrix()
    limits = httpx.Limits(keepalive_expiry=2)
    async with running_system() as system, httpx.AsyncClient(trust_env=False, timeout=30, limits=limits) as http:
        client = Client(system, http)
        await system.send(*scene.first())
        await system.settled()
        # A rival has not claimed the box yet.
        await matrix.at_the_doors(found, sorted(expected.OWNERS), client.ask, matrix.of(scene.OWN))
        await system.send(*scene.then())
        for event, topic in scene.misplaced():
            await system.send(event, topic=topic)
        await system.settled()
        await matrix.at_the_doors(found, [*NAMES, NOBODY], client.ask)
        told_by_search = await matrix.searched(NAMES, client.ask)
        documents = {
            s: json.loads((await client.ask(s, "/openapi.json", "operations", {}))[1]) for s in topics.SERVICES
        }
        await asyncio.to_thread(of_topics, found, system)
        logs = "".join(path.read_text(errors="replace") for path in (system.data / "logs").glob("*.log"))

    with capsys.disabled():
        print(f"\n{found.summary()}")
    assert "\n".join(map(str, sorted(found.leaks))) == ""
    assert sorted(told_by_search) == []
    assert "\n".join(map(str, sorted(found.unread()))) == ""
    assert matrix.missing(documents) == set(), "ask them in `questions` of tests/visibility/matrix.py"
    assert {service: len(texts) for service, texts in found.refusals.items()} == dict.fromkeys(topics.SERVICES, 1)
    assert [word for word in expected.TABLE if word.startswith("ZQ") and word in logs] == []


def test_every_secret_is_planted_and_somebody_says_who_may_read_it() -> None:
    assert set(expected.TABLE) - expected._LITERAL.keys() == {scene.SECRET[name] for name in scene.planted()}
    assert scene.planted() == set(scene.WORDS)


# --- The matrix bites


def everything(*_: Any, **__: Any) -> Any:
    return True


OF_ALL_FEEDS = feeds._FEED.replace("WHERE party = $1 AND", "WHERE $1 <> '' AND")
# What is taken away, who is shown what then, and at which doors.
REMOVED: Any = {
    "locks of pictures": ((seen.Eyes, "opens", everything), "sialkot-leather", "own_remark", "tracking"),
    "intervals": ((seen.Eyes, "sees", everything), "ravi-textiles", "next_seal", "tracking"),
    "plain facts": ((seen, "_plain", lambda fact, eyes: fact), "ravi-textiles", "own_gate_event", "tracking"),
    "reasons": ((visibility, "may_read_reason", everything), "fcs", "kgd_hold_officer", "customs"),
    "keys": ((visibility, "keys_of", lambda viewer: frozenset({"all"})), "rzd", "shared_number", "customs"),
    "feeds": ((feeds, "_FEED", OF_ALL_FEEDS), "ravi-textiles", "rival_number", "notifications"),
}


async def test_a_filter_that_is_taken_away_is_found(line: Line, doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    await line.feed(*scene.first())
    missed = {}
    for name, (removed, party, secret, service) in REMOVED.items():
        with monkeypatch.context() as patch:
            patch.setattr(*removed)
            leaks = await leaked(doors, party, service)
        if secret not in leaks:
            missed[name] = leaks

    assert missed == {}


async def leaked(doors: Doors, party: str, service: str) -> set[str]:
    """The secrets that a party is shown at a door though it may not see them."""
    found = Matrix()

    async def ask(service: str, path: str, party: str, query: Mapping[str, Any]) -> tuple[int, str]:
        answer = await doors.ask(service, path, party, **query)
        return answer.status_code, answer.text

    asked = [
        q for q in matrix.questions() if q.service == service and q.path.startswith("/v1/") and "/stream" not in q.path
    ]
    await matrix.at_the_doors(found, [party], ask, asked)
    return {leak.secret for leak in found.leaks}
