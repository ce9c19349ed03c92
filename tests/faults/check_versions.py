"""Every version reached its topic, in order at its first appearance, and the last word on each entity is the store's.

Invariant: the rules are the same across a store put back, which knows again what it has told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from contracts import topics
from tests.faults.evidence import Violation
from tests.faults.looked import Found, Taken
from tests.faults.view import differences, view_of

_COMPACTED: Final = {
    topics.TRACKING_EVENTS: "tracking",
    topics.CUSTOMS_EVENTS: "customs",
    topics.CUSTOMS_CASES: "customs",
}


def versions(found: Found) -> Iterator[Violation]:
    """All of it."""
    reached: dict[str, set[str]] = {"tracking": set(), "customs": set()}
    for row, service in _COMPACTED.items():
        books, contents = _books(found, service), _contents(found, service)
        for name, records in found.of(row).items():
            for key, spoken in _by_key(records).items():
                where = f"{row.of(name)} {key}"
                reached[service].add(key)
                yield from _in_order(where, spoken)
                yield from _last_word(where, spoken, books.get(key), contents.get(key))
    for service, keys in reached.items():
        for entity in sorted(_books(found, service).keys() - keys):
            yield Violation("out_of_order", f"{entity}: {service} has published it, and it is on no topic")


def _by_key(records: Sequence[Taken]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        found.setdefault((record.key or b"").decode(), []).append(json.loads(record.value or b"{}"))
    return found


def _in_order(where: str, spoken: Sequence[Mapping[str, Any]]) -> Iterator[Violation]:
    """First appearances rise, and each names one that has appeared before."""
    seen: set[int] = set()
    for body in spoken:
        version, previous = body["version"], body.get("previous_version")
        if version in seen:
            continue
        if seen and version < max(seen):
            yield Violation("out_of_order", f"{where}: version {version} appears first after {max(seen)}")
        if previous is not None and previous not in seen:
            yield Violation("out_of_order", f"{where}: version {version} follows {previous}, which has not appeared")
        seen.add(version)


def _last_word(
    where: str, spoken: Sequence[Mapping[str, Any]], booked: int | None, content: Mapping[str, Any] | None
) -> Iterator[Violation]:
    """The last record is the highest version, that of the store, and says what the store says."""
    last = spoken[-1]
    highest = max(body["version"] for body in spoken)
    if not last["version"] == highest == booked:
        detail = f"the last record is {last['version']}, the highest {highest}, the store has {booked}"
        yield Violation("out_of_order", f"{where}: {detail}")
    if content is not None:
        for difference in differences(view_of(content), view_of(last), where):
            yield Violation("out_of_order", f"the last record is not what the store shows: {difference}")


def _books(found: Found, service: str) -> dict[str, int]:
    """The version of each entity that the store has published last."""
    rows = found.rows(service, "picture")
    return {entity: entry[0] for row in rows for entity, entry in json.loads(row["published"]).items()}


def _contents(found: Found, service: str) -> dict[str, Any]:
    return {r["subject"]: json.loads(r["content"]) for r in found.rows(service, "picture") if r["content"] is not None}
