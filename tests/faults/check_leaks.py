"""Nothing reached a party that may not see it.

Invariant: who has a part in what comes from the bookings that were sent and the parties file, not from the services.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from contracts import catalogue, topics
from contracts.identifiers.subjects import parse_case
from tests.faults.evidence import Evidence, Violation
from tests.faults.ledger import Ledger
from tests.faults.looked import Found, Taken
from tests.faults.model_facts import CORRIDOR
from tests.faults.stated import Stated, stated

_PARTIES: Final = Path(__file__).parents[2] / "deploy" / "parties.yaml"
_CARGO: Final = ("shipper", "forwarder", "declarant")
# Those who may know why customs hold something: the authorities, and who runs the corridor.
_KNOW_REASONS: Final = ("customs", "control", "operations")
_SUBJECT: Final = re.compile(r"container:[A-Z]{4}\d{7}|consignment:[a-z0-9-]+/[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Rights:
    """What one party may hear of: subjects (None for all), and the names that it must not be told."""

    subjects: frozenset[str] | None
    strangers: frozenset[str]
    reasons: frozenset[str]


def leaks(evidence: Evidence, book: Ledger, found: Found) -> Iterator[Violation]:
    """All of it."""
    rights = _rights(book)
    for party, records in found.of(topics.NOTIFICATIONS).items():
        yield from _feed(party, [json.loads(record.value or b"{}") for record in records], rights)
    for party, items in evidence.streamed.items():
        yield from _feed(party, items, rights)
    for country, records in found.of(topics.CUSTOMS_CASES).items():
        yield from _cases(country.upper(), records)


def _feed(party: str, items: Sequence[Mapping[str, Any]], rights: Mapping[str, Rights]) -> Iterator[Violation]:
    mine = rights.get(party, Rights(frozenset(), frozenset(), frozenset()))
    for item in items:
        words = set(_texts({name: value for name, value in item.items() if name != "party"}))
        named = {subject for word in words for subject in _SUBJECT.findall(word)}
        strange = named - mine.subjects if mine.subjects is not None else set()
        for what in sorted(strange | (words & mine.strangers) | (words & mine.reasons)):
            yield Violation("leaked", f"{party} was told of {what}: {json.dumps(item, default=str)[:600]}")


def _cases(country: str, records: Sequence[Taken]) -> Iterator[Violation]:
    for record in records:
        body = json.loads(record.value or b"{}")
        laws = _laws(body)
        if not any(country in CORRIDOR.countries(law) for law in laws):
            key = (record.key or b"").decode()
            yield Violation("leaked", f"customs of {country} were told of {key}, which is of {', '.join(laws)}")


def _laws(body: Mapping[str, Any]) -> Sequence[str]:
    """The jurisdiction that a record is of; where nothing was declared, those that rule at the border in question."""
    if "jurisdiction" in body:
        return [body["jurisdiction"]]
    if body["case"]:
        return [parse_case(body["case"]).jurisdiction]
    border = body["violation"].split("/")[1]
    return [law for one in CORRIDOR.borders if one.key == border for law in one.jurisdictions]


def _rights(book: Ledger) -> dict[str, Rights]:
    counting, _ = stated(e.event for service in ("tracking", "customs") for e in book.good(service) if e.event)
    bookings = [one for one in counting if one.type == catalogue.BOOKED]
    roles = {p["party"]: p["role"] for p in yaml.safe_load(_PARTIES.read_text(encoding="utf-8"))["parties"]}
    reasons = frozenset(r for one in counting if (r := getattr(one.data, "reason", None)) is not None)
    cargo = {party for party, role in roles.items() if role in _CARGO}
    found: dict[str, Rights] = {}
    for party, role in roles.items():
        told = frozenset() if role in _KNOW_REASONS else reasons
        if party in cargo:
            subjects, partners = _part_of(party, bookings)
            found[party] = Rights(subjects, frozenset(cargo - partners - {party}), told)
        else:
            found[party] = Rights(None, frozenset(), told)
    return found


def _part_of(party: str, bookings: Sequence[Stated]) -> tuple[frozenset[str], set[str]]:
    """The consignments and containers in which a party has a part, and who else has one in them."""
    mine = [b for b in bookings if party == b.party or any(p.party == party for p in b.data.parties)]
    subjects = {subject for b in mine for subject in (b.subject, *b.data.containers)}
    partners = {p.party for b in mine for p in b.data.parties} | {b.party for b in mine}
    return frozenset(subjects), partners


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
