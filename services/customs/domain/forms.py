"""The three forms of a case, and where each is published.

Invariant: a reason, office or officer stands in the authority's form alone; the public form has only the state.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from contracts import catalogue, topics
from contracts.corridor import Corridor
from services.chassis.fold import Publication
from services.customs.domain.declarations import FOR_BOTH

_PUBLIC: Final = ("case", "about", "consignment", "jurisdiction", "procedure", "sequence", "state", "since", "held")
_INVOLVED: Final = (*_PUBLIC, "attempt", "number", "containers", "wagons", "guarantee", "limit", "to_do")
_SECRET: Final = ("reason", "office", "officer")

_LONGEST: Final = 380
_TO_DO: Final = {
    "REJECTED": "correct the declaration and lodge it again",
    "DOC_REVIEW": "produce the documents that the office asks for",
    "INSPECTION_ORDERED": "present the goods for inspection",
    "REFUSED": "lodge again or return the goods",
    "OVERDUE": "present the goods or ask for an extension",
    "DISCREPANCY": "explain the difference to the office",
    "CLAIM": "give alternative proof of arrival",
}


def to_do(state: str, *, held: bool, limit: str | None) -> list[str]:
    """What those involved must do in a state."""
    found = [_TO_DO[state]] if state in _TO_DO else []
    if held:
        found.append("a hold is open: ask the office")
    if state == "IN_TRANSIT" and limit:
        found.append(f"present the goods by {limit}")
    return found


def publications(content: Mapping[str, Any], corridor: Corridor, fold: int) -> list[Publication]:
    """The forms of one case on the topics where they belong."""
    base = {"fold": fold, "steps": [], "findings": [], "verdicts": []}
    whole = dict(content) | {"verdicts": [_without_revision(v) for v in content.get("verdicts", ())]}
    own = topics_of(content["jurisdiction"], corridor)
    shared = (topics.CUSTOMS_EVENTS.name,)
    return [
        _form(f"{content['case']}#public", "public", _only(content, _PUBLIC), base, shared),
        _form(f"{content['case']}#involved", "involved", involved(content), base, shared),
        _form(content["case"], "authority", whole, base, own),
        *(_answer(content, verdict, own) for verdict in content.get("verdicts", ())),
    ]


def involved(content: Mapping[str, Any]) -> dict[str, Any]:
    """The form for those who take part: what they must do, and nothing of the reasons."""
    holds = [{n: v for n, v in hold.items() if n not in _SECRET} for hold in content.get("holds", ())]
    steps = [{n: s[n] for n in ("state", "instant", "source", "event_id")} for s in content.get("steps", ())]
    asked = [f for f in content.get("findings", ()) if f["finding"] in FOR_BOTH]
    findings = [{n: f[n] for n in ("finding", "detail", "instant")} for f in asked]
    return _only(content, _INVOLVED) | {"holds": holds, "steps": steps, "findings": findings}


def public(content: Mapping[str, Any]) -> dict[str, Any]:
    """The form for everybody else."""
    return _only(content, _PUBLIC)


def topics_of(jurisdiction: str, corridor: Corridor) -> tuple[str, ...]:
    """The topics of the countries in which a jurisdiction rules."""
    return tuple(topics.CUSTOMS_CASES.of(country) for country in corridor.countries(jurisdiction))


def _form(
    entity: str, form: str, content: Mapping[str, Any], base: Mapping[str, Any], where: tuple[str, ...]
) -> Publication:
    return Publication(entity, catalogue.CASE, where, {**base, **content, "form": form})


def _answer(content: Mapping[str, Any], verdict: Mapping[str, Any], where: tuple[str, ...]) -> Publication:
    data = {
        "case": content["case"],
        "source": verdict["source"],
        "event_id": verdict["event_id"],
        "decision": verdict["decision"],
        "verdict": verdict["verdict"],
        "holds": verdict.get("holds", []),
        "state": verdict["state"],
    }
    if "detail" in verdict:
        data["detail"] = verdict["detail"]
    return Publication(_answer_key(content["case"], verdict), catalogue.ANSWER, where, data)


def _answer_key(case: str, verdict: Mapping[str, Any]) -> str:
    """One entity for each decision; two long ids that begin alike must not share one."""
    key = f"answer:{case}/{verdict['source']}#{verdict['event_id']}"
    return key if len(key) <= _LONGEST else f"{key[: _LONGEST - 65]}#{hashlib.sha256(key.encode()).hexdigest()}"


def _without_revision(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Which revision a verdict is on is for our own door: it waits for that."""
    return {name: value for name, value in verdict.items() if name != "updated_at"}


def _only(content: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: content[name] for name in names if name in content}
