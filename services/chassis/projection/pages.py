"""How many rows of the queue a round takes, and how long a worker rests behind it.

Invariant: a round takes a moment, so that whoever comes next does not wait for long; a party's backlog is worked off
with pauses while others are about, and without any when nobody else is.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

_ROUND_SECONDS: Final = 0.05
# With fewer rows, what a round costs in any case is more than its folds, and tells nothing of them.
_SMALLEST: Final = 10
_FIRST: Final = 40
# So many times as long as a round of one party's backlog takes, the machine is the others'.
_REST: Final = 3.0
_ABOUT_SECONDS: Final = 5.0


class Pages:
    """What one worker does next, by what its last rounds were."""

    def __init__(self, limit: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._seen: dict[str, float] = {}
        self.most = min(_FIRST, limit)

    def took(self, parties: Iterable[str], seconds: float) -> float:
        """Notes a round of rows of these parties that has taken so long; returns for how many seconds to rest."""
        now, rows_of = self._monotonic(), Counter(parties)
        self._seen = {p: at for p, at in self._seen.items() if now - at < _ABOUT_SECONDS} | dict.fromkeys(rows_of, now)
        rows = rows_of.total()
        if rows < _SMALLEST:
            # After failures it grows again all the same, or pages of one row would be for good.
            self.most = max(self.most, min(self.most * 2, _SMALLEST, self._limit))
            return 0.0
        wanted = min(int(rows * _ROUND_SECONDS / max(seconds, 1e-6)), self.most * 2, self._limit)
        self.most = max(wanted, min(_SMALLEST, self._limit))
        party, number = rows_of.most_common(1)[0]
        has_company = bool(self._seen.keys() - {party, ""})
        return seconds * _REST if party and number >= _SMALLEST and has_company else 0.0

    def failed(self) -> None:
        """Takes half as many: the server ends a transaction whose folds take too long."""
        self.most = max(self.most // 2, 1)
