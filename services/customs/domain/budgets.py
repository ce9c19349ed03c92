"""How much one party may state about one case or unit, so that no fold costs more than others can bear.

Invariant: what is over is kept and parked, and what the broker took first counts first, whatever the order of folds.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from services.chassis.projection.fold import Parked, StoredRevision, by_identity

STATEMENTS_OF_A_PARTY: Final = 250
"""Declarations, decisions and holds of one party about one subject, whatever revisions each has."""
FINDINGS_SHOWN: Final = 200
"""The first findings of a case; all statements are answered by receipts."""

_TOO_MANY: Final = f"an officer: of one party {STATEMENTS_OF_A_PARTY} statements about one case or unit count"


class Within(NamedTuple):
    """The revisions that count, and what is kept without effect."""

    revisions: list[StoredRevision]
    parked: list[Parked]


def statements_within(revisions: Iterable[StoredRevision]) -> Within:
    """The revisions of those statements that each party made first."""
    found = Within([], [])
    number_of: dict[str, int] = {}
    for identity, same in sorted(by_identity(revisions).items(), key=_received):
        party = same[0].party
        number = number_of[party] = number_of.get(party, 0) + 1
        if number <= STATEMENTS_OF_A_PARTY:
            found.revisions.extend(same)
        else:
            found.parked.append(Parked(*identity, _TOO_MANY))
    return found


def _received(entry: tuple[tuple[str, str], list[StoredRevision]]) -> tuple[Any, ...]:
    identity, same = entry
    return min(r.received_at for r in same), identity
