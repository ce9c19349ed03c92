"""The seals on a unit, by what carriers and customs say of them.

Invariant: seals accumulate until one is taken off. Numbers are compared in one form and shown as they were sent.
"""

import re
from collections.abc import Iterable
from typing import Final

from services.customs.domain.shared import SealMark

_APART: Final = re.compile(r"[\s./_-]+")
_ALIKE: Final = str.maketrans("АВЕКМНОРСТУХ", "ABEKMHOPCTYX")


def canonical(number: str) -> str:
    """A seal's number as it is compared: without case, blanks and separators, Cyrillic look-alikes as Latin letters."""
    return _APART.sub("", number.upper()).translate(_ALIKE)


def on_now(marks: Iterable[SealMark]) -> list[str]:
    """The numbers of the seals that are on, in the order in which they were put on."""
    found: dict[str, str] = {}
    for mark in sorted(marks, key=lambda m: (m.instant, not m.removed, m.number)):
        if mark.removed:
            found.pop(canonical(mark.number), None)
        else:
            found.setdefault(canonical(mark.number), mark.number)
    return list(found.values())
