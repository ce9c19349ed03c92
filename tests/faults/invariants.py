"""The invariants of a run under faults, checked by code that shares nothing with the services but the contracts.

Invariant: what is found is read from Postgres and Kafka themselves; a run that was not disturbed has no violation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tests.faults.check_feeds import feeds
from tests.faults.check_leaks import leaks
from tests.faults.check_pictures import pictures
from tests.faults.check_reports import SERVICES, reports
from tests.faults.check_versions import versions
from tests.faults.evidence import Evidence, Violation
from tests.faults.ledger import ledger, unheld
from tests.faults.looked import Found, look
from tests.faults.undisturbed import Pictures, undisturbed

_SHOWN = 10


async def check(evidence: Evidence) -> list[Violation]:
    """Every violation, at most ten of a kind in detail; call it when the system is settled and has republished."""
    found = await look(evidence)
    return limited(judge(evidence, found, await reference(evidence, found)))


async def reference(evidence: Evidence, found: Found, admin_url: str | None = None) -> Pictures:
    """The pictures of an undisturbed run of the same good records, on a Postgres of its own where none is given."""
    good = (entry.event for service in SERVICES for entry in ledger(evidence, found).good(service))
    return await undisturbed([event for event in good if event is not None], evidence.as_of, admin_url)


def judge(evidence: Evidence, found: Found, expected: Pictures) -> Iterator[Violation]:
    """What does not hold in what was found; `expected` are the pictures of an undisturbed run."""
    book = ledger(evidence, found)
    yield from unheld(evidence, found)
    yield from reports(book, found)
    yield from versions(found)
    yield from feeds(evidence, found)
    yield from leaks(evidence, book, found)
    yield from pictures(book, found, evidence.as_of, expected)


def limited(violations: Iterable[Violation]) -> list[Violation]:
    """Ten of each invariant, and how many more there are."""
    shown: list[Violation] = []
    counts: Counter[str] = Counter()
    for violation in violations:
        counts[violation.invariant] += 1
        if counts[violation.invariant] <= _SHOWN:
            shown.append(violation)
    more = [Violation(name, f"and {count - _SHOWN} more") for name, count in counts.items() if count > _SHOWN]
    return [*shown, *more]
