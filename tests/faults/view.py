"""The stored pictures in the form of the model: what of a picture is compared, and how.

Invariant: a projection, nothing is worked out; rules other than the two that the load provokes are left out, since
they depend on thresholds and the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.faults.model_facts import DATA_CONFLICT, IDENTITY_MISMATCH

_RULES: Final = (DATA_CONFLICT, IDENTITY_MISMATCH)
OVER: Final = ("withdrawn", "closed", "NOT_FILED")
"""States that tell only that something no longer is: what has come and gone depends on the way.

A case from which everything has been taken back, and one that nobody has filed, tell the same.
"""
_MISSING: Final = "(missing)"


def view_of(picture: Mapping[str, Any]) -> dict[str, Any]:
    """A picture of tracking or a case of customs in the form of the model."""
    if "case" in picture:
        return _case(picture)
    exceptions = sorted({e["rule"] for e in picture.get("exceptions", ()) if e["rule"] in _RULES})
    parked = sorted(p["event_id"] for p in picture.get("parked", ()))
    if picture.get("kind") == "reference":
        return {"claimants": sorted(picture.get("claimants", ())), "exceptions": exceptions, "parked": parked}
    latest = picture.get("latest")
    return {
        "known": picture["known"],
        "timeline": [_fact(fact) for fact in picture.get("timeline", ())],
        "latest": [latest["code"], latest.get("point"), latest["instant"]] if latest else None,
        "associations": sorted(
            [a["relation"], a["subject"], a["start"], a.get("end")] for a in picture.get("associations", ())
        ),
        "exceptions": exceptions,
        "forecasts": sorted(
            [f["code"], f.get("point"), f["party"], f["instant"]] for f in picture.get("forecasts", ())
        ),
        "parked": parked,
    }


def _fact(fact: Mapping[str, Any]) -> list[Any]:
    names = ("code", "point", "instant", "party", "confidence", "via")
    also = sorted(a["party"] for a in fact.get("also", ()))
    return [*(fact.get(name) for name in names), also, fact.get("disputed", False)]


def _case(case: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "state": case["state"],
        "steps": [[step["state"], step["instant"]] for step in case.get("steps", ())],
        "verdicts": {f"{v['source']}#{v['event_id']}": v["verdict"] for v in case.get("verdicts", ())},
        "open_holds": sorted(h["hold"] for h in case.get("holds", ()) if h.get("lifted_at") is None),
    }


def differences(expected: Any, found: Any, path: str = "$") -> Iterator[str]:
    """Where two values differ, as paths."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for name in sorted(expected.keys() | found.keys()):
            yield from differences(expected.get(name, _MISSING), found.get(name, _MISSING), f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(one, other, f"{path}[{number}]")
    elif expected != found:
        yield f"{path}: expected {expected!r:.600}, found {found!r:.600}"
