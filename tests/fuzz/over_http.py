"""Spoilt reports to the HTTP doors.

Invariant: each is answered 202, or with a 4xx problem that has a reason of the closed list, within a bound of time;
what was answered 202 is never refused later, but for an id that another type has.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from contracts.envelope.codec import BATCH, STRUCTURED
from contracts.refusal import REASONS
from tests.fuzz.mutate import INGRESS, Spoilt
from tests.support.system import System

_WITHIN: Final = 20.0
_AT_ONCE: Final = 4
_DOORS: Final = ("tracking", "customs")
_NO_HTTP: Final = "Invalid HTTP request received."
_PROBLEM: Final = "application/problem+json"
_LAST: Final = "SELECT coalesce(max(id), 0) AS last FROM receipt"
_SINCE: Final = "SELECT outcome, reason, source, event_id FROM receipt WHERE id > $1 AND topic IS NOT NULL"

Pairs = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Answers:
    """How many of each status, what was taken, and what must not be."""

    statuses: Counter[str] = field(default_factory=Counter)
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


async def run(system: System, spoilt: Sequence[Spoilt]) -> Answers:
    """Posts each record to one of the doors, in one of the ways that there are."""
    await system.lift_budgets()
    found, left = Answers(), (one for one in spoilt if one.topic.startswith(INGRESS))
    last = {service: (await system.rows(service, _LAST))[0]["last"] for service in _DOORS}
    async with httpx.AsyncClient(trust_env=False, timeout=_WITHIN) as client:
        await asyncio.gather(*(_post_all(client, system, left, found) for _ in range(_AT_ONCE)))
    await system.settled(120)
    for service in _DOORS:
        for row in await system.rows(service, _SINCE, last[service]):
            if row["outcome"] == "refused" and row["reason"] != "type_changed":
                found.failures.append(f"taken at the door, then refused: {row}")
            if row["outcome"] in ("accepted", "superseded", "repeat", "refused"):
                found.taken[row["source"], row["event_id"]] -= 1
    found.failures += [f"taken {n} times more than answered: {name}" for name, n in found.taken.items() if n]
    return found


async def _post_all(client: httpx.AsyncClient, system: System, left: Any, found: Answers) -> None:
    for one in left:
        try:
            answer = await _sent(client, _request(client, system, one))
        except (httpx.LocalProtocolError, httpx.InvalidURL):
            # What HTTP itself cannot carry never reaches us.
            found.statuses["not sent"] += 1
        except httpx.HTTPError as failure:
            found.failures.append(f"{failure!r}: {one}")
        else:
            found.statuses[str(answer.status_code)] += 1
            found.failures += [f"{fault}: {one}" for fault in faults(answer)]
            if answer.status_code == 202:
                found.taken.update((e["source"], e["id"]) for e in answer.json()["taken"])


async def _sent(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """The answer; who has spent its budget waits for as long as it is told."""
    answer = await client.send(request)
    if answer.status_code != 429:
        return answer
    await asyncio.sleep(float(answer.headers["Retry-After"]))
    return await _sent(client, request)


def _request(client: httpx.AsyncClient, system: System, one: Spoilt) -> httpx.Request:
    draw = random.Random(f"{one.seed}/{one.number}/http")
    headers, body = _carried(one, draw)
    service = "tracking" if one.topic.startswith("milestones-") else "customs"
    if draw.random() < 0.1:
        service = draw.choice(_DOORS)
    # The topic is named after the party.
    party = next(p for p in system.tokens if one.topic.endswith(f"-{p}"))
    token = system.headers(party)["Authorization"]
    url = f"{system.services.url(service)}/v1/events"
    request = client.build_request("POST", url, content=body)
    # Put in as they are: the client would decode names, and lets no header stand twice.
    request.headers = httpx.Headers([*request.headers.raw, *headers, (b"authorization", token.encode())])
    return request


def _carried(one: Spoilt, draw: random.Random) -> tuple[Pairs, bytes]:
    """The record as a request: structured, a batch, binary, or with the headers that it has."""
    body = one.value or b""
    kind = draw.choice(("structured", "batch", "binary", "as it is"))
    if kind == "structured":
        return [(b"content-type", STRUCTURED.encode())], body
    if kind == "batch":
        return [(b"content-type", BATCH.encode())], b"[" + b",".join([body] * draw.choice((1, 1, 2, 40))) + b"]"
    headers = [(n.replace("ce_", "ce-").encode("utf-8", "surrogateescape"), v or b"") for n, v in one.headers]
    if kind == "binary":
        headers = [h for h in headers if h[0].lower() != b"content-type"] + [(b"content-type", b"application/json")]
    return headers, body


def faults(answer: httpx.Response) -> list[str]:
    """What is wrong with an answer."""
    if answer.status_code == 202:
        return []
    # What is no HTTP is refused by the server before it is ours.
    if answer.status_code == 400 and answer.text == _NO_HTTP:
        return []
    if not 400 <= answer.status_code < 500:
        return [f"answered {answer.status_code}"]
    if answer.headers.get("content-type") != _PROBLEM:
        return [f"answered {answer.status_code} with {answer.headers.get('content-type')}"]
    reasons = [problem.get("reason") for problem in answer.json().get("problems", ())]
    if not reasons or not set(reasons) <= set(REASONS):
        return [f"answered {answer.status_code} with the reasons {reasons}"]
    return []
