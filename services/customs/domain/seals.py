"""The seals on a unit, by what carriers and customs say of them.

Invariant: seals accumulate until one is taken off. Numbers are compared in one form and shown as they were sent last.
"""

from collections.abc import Iterable

from contracts.identifiers.schemes import same_seal
from services.customs.domain.shared import SealMark


def on_now(marks: Iterable[SealMark]) -> list[str]:
    """The numbers of the seals that are on, in the order in which they were put on; those of one instant as given."""
    found: dict[str, str] = {}
    for mark in sorted(marks, key=lambda m: (m.instant, not m.removed)):
        found.pop(same_seal(mark.number), None)
        if not mark.removed:
            found[same_seal(mark.number)] = mark.number
    return list(found.values())
