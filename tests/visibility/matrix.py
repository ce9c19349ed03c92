"""Every party at every topic and every door: what it is shown, and which secrets are in it.

Invariant: each cell is asked with all that a party may know or guess, such as the keys of other parties' subjects. A
question that no cell asks is missed by `missing`, which goes by the OpenAPI documents and the topic table.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from contracts import topics
from contracts.identifiers.subjects import KINDS, kind_of, local
from services.chassis.base.parties import Party
from tests.support import builders as b
from tests.visibility import scene
from tests.visibility.expected import NAMES, TABLE
from tests.visibility.scene import SECRET

NOBODY: Final = ""
"""Who has no token."""
_KINDS: Final = tuple(k for k in KINDS if k != "case")
_PAGE: Final = ("/", "/main.js", "/words.js", "/style.css")
_OPEN: Final = ("/live", "/ready")
_OPS: Final = (
    "/metrics",
    "/openapi.json",
    "/ops/ready",
    "/ops/state",
    "/ops/dead-letters",
    "/ops/dead-letters/counts",
    "/ops/dead-letters/actions",
)
# A stream does not end: it shows the feed.
_STREAM: Final = "/v1/stream"
_SEARCHED: Final = ("own_number", "rival_number", "rival_paper", "home_number", "next_number")
_AT_ONCE: Final = 6

Ask = Callable[[str, str, str, Mapping[str, Any]], Awaitable[tuple[int, str]]]
"""Asks (service, path, party, query) and gives (status, text)."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request: what its cell is called, and how it is asked."""

    service: str
    cell: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Leak:
    """A secret in a cell of a party that may not read it."""

    party: str
    cell: str
    secret: str


@dataclass(slots=True)
class Matrix:
    """What was asked and what was found in it."""

    cells: set[tuple[str, str]] = field(default_factory=set)
    asked: int = 0
    leaks: set[Leak] = field(default_factory=set)
    read: dict[str, set[str]] = field(default_factory=dict)
    refusals: dict[str, set[str]] = field(default_factory=dict)

    def take(self, party: str, cell: str, text: str) -> None:
        """Notes the secrets in what a party was shown."""
        self.cells.add((party, cell))
        self.asked += 1
        for word, told in TABLE.items():
            if word in text:
                self.read.setdefault(word, set()).add(party)
                if party not in told.by:
                    self.leaks.add(Leak(party, cell, NAMES.get(word, word)))

    def unread(self) -> set[tuple[str, str]]:
        """The secrets that somebody has to be able to read and cannot."""
        return {
            (NAMES.get(word, word), party)
            for word, told in TABLE.items()
            for party in told.must - self.read.get(word, set())
        }

    def summary(self) -> str:
        """One line for who runs it."""
        return (
            f"matrix: {len(self.cells)} cells, {self.asked} answers, {len(TABLE)} secrets planted, "
            f"{len(self.leaks)} leaks"
        )


def questions(party: str = NOBODY) -> Iterator[Question]:
    """All that a party can ask at the doors; what is the same for all is asked by who has no token."""
    yield from _of_tracking()
    yield from _of_customs()
    yield from _of_notifications()
    for service in topics.SERVICES:
        yield from (Question(service, path, path) for path in (*_OPS, *(_OPEN if party == NOBODY else ())))
        yield Question(service, "/ops/dead-letters/{id}", "/ops/dead-letters/1")
    if party == NOBODY:
        yield from (Question("notifications", "page", path) for path in _PAGE)


def of(subject: str) -> list[Question]:
    """What can be asked of one subject at tracking's door."""
    return [q for q in _of_tracking() if q.path.startswith(_path(subject))]


def _of_tracking() -> Iterator[Question]:
    for kind in _KINDS:
        yield Question("tracking", "/v1/subjects/{kind}", f"/v1/subjects/{kind}", {"limit": 1000})
    yield Question("tracking", "/v1/subjects/{kind}", "/v1/subjects/container", {"known_at": "2090-01-01T00:00:00Z"})
    for subject in (*scene.SUBJECTS, scene.NOWHERE):
        path = _path(subject)
        yield Question("tracking", "/v1/subjects/{kind}/{id}", path)
        yield Question("tracking", "/v1/subjects/{kind}/{id}/timeline", f"{path}/timeline", {"limit": 1000})
    yield Question("tracking", "/v1/receipts", "/v1/receipts", {"limit": 1000})


def _of_customs() -> Iterator[Question]:
    yield Question("customs", "/v1/cases", "/v1/cases", {"limit": 1000})
    for case in (scene.SHARED, scene.EXPORT, scene.IMPORT):
        yield Question("customs", "/v1/cases", "/v1/cases", {"case": case})
    for party, case, name in scene.DECISIONS:
        asked = {"case": case, "source": b.source_of(party), "id": name}
        yield Question("customs", "/v1/verdicts", "/v1/verdicts", asked)
    yield Question("customs", "/v1/cases", "/v1/cases", {"unit": scene.OWN})
    yield Question("customs", "/v1/changes", "/v1/changes", {"limit": 1000})
    yield Question("customs", "/v1/receipts", "/v1/receipts", {"limit": 1000})


def _of_notifications() -> Iterator[Question]:
    for path in ("/v1/me", "/v1/points", "/v1/attention", "/v1/overview", "/v1/feed"):
        yield Question("notifications", path, path, {"limit": 1000} if path == "/v1/feed" else {})
    yield Question("notifications", "/v1/stream", _STREAM)
    yield Question("notifications", "/v1/feed", "/v1/feed", {"last": 1000})
    for subject in (*scene.SUBJECTS, scene.NOWHERE):
        if kind_of(subject) != "reference":
            yield Question("notifications", "/v1/subjects/{kind}/{id}", _path(subject))


def _path(subject: str) -> str:
    return f"/v1/subjects/{kind_of(subject)}/{quote(local(subject))}"


def topics_for(party: Party) -> list[str]:
    """The topics that a party may read, by the topic table."""
    found = []
    for row in topics.TABLE:
        if "party" in row.readers:
            found.append(row.of(party.party))
        if "authority" in row.readers and party.role == "customs" and party.country:
            found.append(row.of(party.country))
        if "operations" in row.readers and party.role == "operations":
            found += [row.of(service) for service in topics.SERVICES]
    return found


async def at_the_doors(
    matrix: Matrix, parties: Iterable[str], ask: Ask, asked: Sequence[Question] | None = None
) -> None:
    """Asks everything, or what is given, for everybody, several at once."""
    waiting = asyncio.Semaphore(_AT_ONCE)

    async def one(party: str, question: Question) -> None:
        async with waiting:
            async for status, text in _answers(party, question, ask):
                matrix.take(party, f"{question.service} {question.cell}", text)
                if status == 404 and question.path.startswith("/v1/"):
                    matrix.refusals.setdefault(question.service, set()).add(text)

    await asyncio.gather(*(one(party, question) for party in parties for question in asked or questions(party)))


async def _answers(party: str, question: Question, ask: Ask) -> AsyncIterator[tuple[int, str]]:
    """The answer, and the pages behind it."""
    query: dict[str, Any] = dict(question.query)
    while True:
        status, text = await ask(question.service, question.path, party, query)
        yield status, text
        after = re.search(r'"after":"([^"]+)"', text)
        if status != 200 or not after or after[1] == query.get("after"):
            return
        query["after"] = after[1]


async def searched(parties: Sequence[str], ask: Ask) -> set[Leak]:
    """The secrets of which a search tells somebody who may not read them: a page of one row, which must be empty."""
    leaks = set()
    for word in (SECRET[name] for name in _SEARCHED):
        told = TABLE[word]
        for party in parties:
            query = {"query": word, "limit": 1}
            if party not in told.by and '"subject"' in (await ask("notifications", "/v1/overview", party, query))[1]:
                leaks.add(Leak(party, "search", NAMES.get(word, word)))
    return leaks


def missing(documents: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The questions of the OpenAPI documents of the services that no cell asks."""
    asked = {f"{q.service} {q.cell}" for q in questions()}
    there = {
        f"{service} {re.sub(r':[a-z]+}', '}', path)}"
        for service, document in documents.items()
        for path, methods in document["paths"].items()
        if "get" in methods
    }
    return there - asked
