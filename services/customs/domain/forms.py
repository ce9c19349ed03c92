"""The three forms of a case, and where each is published.

Invariant: a reason, office or officer stands in the form of the country whose authority wrote it alone, also where
several share a law; the public form has only the state.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from contracts import catalogue, topics
from contracts.corridor.corridor import Corridor
from services.chassis.base import visibility
from services.chassis.projection.fold import Publication
from services.customs.domain.declarations import FOR_BOTH

_PUBLIC: Final = ("case", "about", "consignment", "jurisdiction", "procedure", "sequence", "state", "since", "held")
_INVOLVED: Final = (
    *_PUBLIC,
    "attempt",
    "number",
    "containers",
    "wagons",
    "guarantee",
    "limit",
    "units",
    "to_do",
    "declarant",
    "parties",
)
SECRET: Final = ("reason", "office", "officer")
_WHO: Final = ("office", "officer", "system")
_TOLD: Final = ("source", "event_id", "decision", "verdict", "holds", "state", "detail", "origin", "national_number")
# Who wrote what is ours to know, and whose it is to read; which revision a verdict is on is for our own door.
_INTERNAL: Final = ("country", "office_in", "route", "updated_at")

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


def publications(content: Mapping[str, Any], corridor: Corridor, fold: int, *, empty: bool) -> list[Publication]:
    """The forms of one case on the topics where they belong; one that is `empty` is told where it was told before."""
    base = {"fold": fold, "steps": [], "findings": [], "verdicts": []}
    countries = corridor.countries(content["jurisdiction"])
    shared = (topics.CUSTOMS_EVENTS.name,)
    forms = [
        _form(f"{content['case']}#public", "public", public(content), base, shared),
        _form(f"{content['case']}#involved", "involved", involved(content), base, shared),
        *(_of_country(content, country, base) for country in countries),
    ]
    verdicts = content.get("verdicts", ())
    answers = [_answer(content, verdict, country) for verdict in verdicts for country in countries]
    return [one._replace(empty=empty) for one in forms] + answers


def authority(content: Mapping[str, Any], country: str | None) -> dict[str, Any]:
    """The form for the customs of one country: the whole, but for what another country's authority keeps for itself."""
    whole = {n: v for n, v in content.items() if n not in _INTERNAL}
    if not visibility.may_read_reason(country, content.get("office_in")):
        whole.pop("office", None)
    holds = [_hold(hold, country) for hold in content.get("holds", ())]
    verdicts = [verdict(v, country) for v in content.get("verdicts", ())]
    return whole | {n: v for n, v in (("holds", holds), ("verdicts", verdicts)) if v}


def involved(content: Mapping[str, Any]) -> dict[str, Any]:
    """The form for those who take part: what they must do, and nothing of the reasons."""
    holds = [{n: v for n, v in hold.items() if n not in (*SECRET, *_INTERNAL)} for hold in content.get("holds", ())]
    steps = [_only(s, ("state", "instant", "source", "event_id", "day")) for s in content.get("steps", ())]
    asked = [f for f in content.get("findings", ()) if f["finding"] in FOR_BOTH]
    findings = [{n: f[n] for n in ("finding", "detail", "instant")} for f in asked]
    shown = _only(content, _INVOLVED) | {"holds": holds, "steps": steps, "findings": findings}
    return shown if _is_of(content) else _apart(shown)


def _is_of(content: Mapping[str, Any]) -> bool:
    """Whether the consignment of a case is that of those who take part: a document number may be booked by others."""
    consignment = content.get("consignment")
    return consignment is None or visibility.issuer_of(consignment) in content.get("parties", ())


def _apart(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The form without the consignment of others that has booked the same document number, and its units."""
    kept = {n: v for n, v in shown.items() if n not in ("consignment", "containers", "wagons", "units")}
    return kept | {"holds": [h for h in shown["holds"] if h["scope"] == shown["case"]]}


def public(content: Mapping[str, Any]) -> dict[str, Any]:
    """The form for everybody else."""
    return _only(content, _PUBLIC)


def topics_of(jurisdiction: str, corridor: Corridor) -> tuple[str, ...]:
    """The topics of the countries in which a jurisdiction rules."""
    return tuple(topics.CUSTOMS_CASES.of(country) for country in corridor.countries(jurisdiction))


def _of_country(content: Mapping[str, Any], country: str, base: Mapping[str, Any]) -> Publication:
    where = (topics.CUSTOMS_CASES.of(country),)
    return _form(f"{content['case']}#{country.lower()}", "authority", authority(content, country), base, where)


def _hold(hold: Mapping[str, Any], country: str | None) -> dict[str, Any]:
    own = visibility.may_read_reason(country, hold.get("country"))
    return {n: v for n, v in hold.items() if n not in _INTERNAL and (own or n not in SECRET)}


def _form(
    entity: str, form: str, content: Mapping[str, Any], base: Mapping[str, Any], where: tuple[str, ...]
) -> Publication:
    return Publication(entity, catalogue.CASE, where, {**base, **content, "form": form})


def verdict(one: Mapping[str, Any], country: str | None) -> dict[str, Any]:
    """A verdict as a country's customs are told of it: who decided is for the country whose authority it is."""
    own = visibility.may_read_reason(country, one.get("country"))
    return {n: v for n, v in one.items() if n not in _INTERNAL and (own or n not in _WHO)}


def _answer(content: Mapping[str, Any], one: Mapping[str, Any], country: str) -> Publication:
    told = _only(verdict(one, country), (*_TOLD, *_WHO))
    data = {"case": content["case"], "holds": [], **told}
    where = (topics.CUSTOMS_CASES.of(country),)
    return Publication(_answer_key(content["case"], one, country), catalogue.ANSWER, where, data)


def _answer_key(case: str, one: Mapping[str, Any], country: str) -> str:
    """One entity for each decision and country; two long ids that begin alike must not share one."""
    key = f"answer:{case}/{one['source']}#{one['event_id']}"
    short = key if len(key) <= _LONGEST else f"{key[: _LONGEST - 65]}#{hashlib.sha256(key.encode()).hexdigest()}"
    return f"{short}#{country.lower()}"


def _only(content: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: content[name] for name in names if name in content}
