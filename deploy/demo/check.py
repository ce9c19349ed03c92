"""Compares what the services show with what is expected, field by field.

Invariant: pictures are read over HTTP, as anybody would; a difference is told with its path, what was expected and
what was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import httpx

from contracts.identifiers.subjects import KINDS
from deploy.provision import read_parties

_PAGE: Final = 500
_SUBJECT_KINDS: Final = tuple(kind for kind in KINDS if kind != "case")
_MISSING: Final = "(missing)"
_FACT: Final = ("code", "point", "instant", "party", "confidence", "via")


class Reader:
    """Reads the services over HTTP with the tokens of control room, operations and the parties."""

    def __init__(self, urls: Mapping[str, str], tokens: Mapping[str, str]) -> None:
        self._urls = urls
        self._tokens = tokens
        self._http = httpx.Client(timeout=30, trust_env=False)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def subjects(self) -> dict[str, Any]:
        """The pictures of all subjects that tracking knows, cut down to what an expectation says."""
        keys = [row["subject"] for kind in _SUBJECT_KINDS for row in self._pages("tracking", f"/v1/subjects/{kind}")]
        return {key: shape(self._picture(key)) for key in sorted(keys)}

    def cases(self) -> dict[str, Any]:
        """All cases, each in the form of an authority whose law it is: nobody else is shown it whole."""
        authorities = [p.party for p in read_parties() if p.role == "customs"]
        rows = (row for party in authorities for row in self._pages("customs", "/v1/cases", party=party))
        return {row["case"]: shape_case(row) for row in rows if row["form"] == "authority"}

    def attention(self) -> list[dict[str, Any]]:
        """What notifications shows to the control room as open."""
        found: list[dict[str, Any]] = self._get("notifications", "/v1/attention", "corridor-control")["items"]
        return found

    def outcomes(self, parties: Sequence[str]) -> Counter[str]:
        """How many receipts of each outcome these parties got from the services that read reports."""
        services = [service for service in ("tracking", "customs") if service in self._urls]
        return Counter(
            row["outcome"]
            for service in services
            for party in parties
            for row in self._pages(service, "/v1/receipts", party=party, cursor=0)
        )

    def feed_items(self, parties: Sequence[str]) -> int:
        """The items on the feeds of these parties."""
        if "notifications" not in self._urls:
            return 0
        return sum(1 for p in parties for _ in self._pages("notifications", "/v1/feed", party=p, cursor=0))

    def dead_letters(self) -> int:
        """The records that all services have put aside."""
        return sum(self._get(service, "/ops/state", "operations")["dead_letters"] for service in self._urls)

    def _picture(self, key: str) -> dict[str, Any]:
        kind, _, local = key.partition(":")
        return self._get("tracking", f"/v1/subjects/{kind}/{quote(local)}", "corridor-control")

    def _pages(
        self, service: str, path: str, *, party: str = "corridor-control", cursor: str | int = ""
    ) -> Iterator[dict[str, Any]]:
        while True:
            page = self._get(service, path, party, after=cursor, limit=_PAGE)
            yield from page["items"]
            if len(page["items"]) < _PAGE:
                return
            cursor = page["after"]

    def _get(self, service: str, path: str, party: str, **query: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self._tokens[party]}"}
        answer = self._http.get(f"{self._urls[service]}{path}", params=query, headers=headers)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def shape(picture: Mapping[str, Any]) -> dict[str, Any]:
    """A picture in the form of an expectation."""
    place = picture.get("place")
    return {
        "status": picture["status"],
        "place": [place["point"], place["moving"], place["observed_at"], place["party"]] if place else None,
        "timeline": [_fact(fact) for fact in picture.get("timeline", ())],
        "associations": [
            [a["relation"], a["subject"], a["start"], a.get("end")] for a in picture.get("associations", ())
        ],
        "members": {m["subject"]: m["status"] for m in picture.get("members", ())},
        "calls": [
            [c["point"], *(c.get(n) for n in ("arrival", "departure", "actual_arrival", "actual_departure"))]
            for c in picture.get("calls", ())
        ],
        "parties": sorted([p["role"], p["party"]] for p in picture.get("parties", ())),
        "references": sorted(
            f"reference:{r['scheme']}:{r['issuer']}:{r['number']}" for r in picture.get("references", ())
        ),
        "claimants": picture.get("claimants", []),
        "exceptions": [e["rule"] for e in picture.get("exceptions", ())],
        "parked": [[p["source"], p["event_id"]] for p in picture.get("parked", ())],
    }


def shape_case(case: Mapping[str, Any]) -> dict[str, Any]:
    """A case in the form of an expectation."""
    return {
        "state": case["state"],
        "steps": [[s["state"], s["instant"], s["source"]] for s in case.get("steps", ())],
        "holds": [[h["hold"], h["scope"], h["placed_at"], h.get("lifted_at")] for h in case.get("holds", ())],
        "findings": [f["finding"] for f in case.get("findings", ())],
        "not_effective": [
            [v["event_id"], v["verdict"]] for v in case.get("verdicts", ()) if v["verdict"] != "effective"
        ],
    }


def differences(expected: Any, found: Any, path: str = "$") -> Iterator[str]:
    """Where the two differ; what is not expected must be empty."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for name in sorted(expected.keys() | found.keys()):
            yield from _member(expected, found, name, path)
    elif isinstance(expected, Sequence) and isinstance(found, Sequence) and not isinstance(expected, str):
        for index in range(max(len(expected), len(found))):
            one = expected[index] if index < len(expected) else _MISSING
            other = found[index] if index < len(found) else _MISSING
            yield from differences(one, other, f"{path}[{index}]")
    elif expected != found:
        yield f"{path}: expected {expected!r}, found {found!r}"


def _member(expected: Mapping[str, Any], found: Mapping[str, Any], name: str, path: str) -> Iterator[str]:
    one, other = expected.get(name, _MISSING), found.get(name, _MISSING)
    if not (one in _EMPTY and other in _EMPTY):
        yield from differences(one, other, f"{path}.{name}")


_EMPTY: Final[Sequence[Any]] = (_MISSING, None, [], {})


def _fact(fact: Mapping[str, Any]) -> list[Any]:
    return [*(fact.get(name) for name in _FACT), [a["party"] for a in fact.get("also", ())]]
