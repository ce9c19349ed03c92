"""Spoilt reports to the HTTP doors.

Invariant: each is answered 202 or with a 4xx problem that has a reason or a detail, within a bound of time.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from contracts.codec import BATCH, STRUCTURED
from tests.fuzz.mutate import Spoilt
from tests.support.system import System

_WITHIN: Final = 20.0
_DOORS: Final = {"tracking": "pr", "customs": "fbr"}


@dataclass(slots=True)
class Answers:
    """How many of each status, and what must not be."""

    statuses: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


async def run(system: System, spoilt: Sequence[Spoilt]) -> Answers:
    """Posts each record to one of the doors, in one of the three ways that there are."""
    found = Answers()
    async with httpx.AsyncClient(trust_env=False, timeout=_WITHIN) as client:
        for one in spoilt:
            draw = random.Random(one.number)
            service = draw.choice(sorted(_DOORS))
            headers, body = _request(one, draw)
            headers += [(n.encode(), v.encode()) for n, v in system.headers(_DOORS[service]).items()]
            try:
                answer = await client.post(
                    f"{system.services.url(service)}/v1/events", content=body, headers=httpx.Headers(headers)
                )
            except httpx.LocalProtocolError:
                # What HTTP itself cannot carry never reaches us.
                found.statuses["not sent"] += 1
                continue
            except httpx.HTTPError as failure:
                found.failures.append(f"{failure!r}: {one}")
                continue
            found.statuses[str(answer.status_code)] += 1
            if problem := _wrong(answer):
                found.failures.append(f"{problem}: {one}")
    return found


def _request(one: Spoilt, draw: random.Random) -> tuple[list[tuple[bytes, bytes]], bytes]:
    body = one.value or b""
    kind = draw.choice(("structured", "batch", "binary", "as it is"))
    if kind == "structured":
        return [(b"content-type", STRUCTURED.encode())], body
    if kind == "batch":
        return [(b"content-type", BATCH.encode())], b"[" + body + b"]"
    headers = [(n.replace("ce_", "ce-").encode(), v or b"") for n, v in one.headers]
    if kind == "binary":
        headers = [h for h in headers if h[0] != b"content-type"] + [(b"content-type", b"application/json")]
    return headers, body


def _wrong(answer: httpx.Response) -> str | None:
    """What is wrong with an answer."""
    if answer.status_code == 202:
        return None
    if not 400 <= answer.status_code < 500:
        return f"answered {answer.status_code}"
    # What is no HTTP is refused by the server before it is ours.
    if (
        answer.headers.get("content-type") != "application/problem+json"
        and answer.text != "Invalid HTTP request received."
    ):
        return f"answered {answer.status_code} with {answer.headers.get('content-type')}"
    return None
