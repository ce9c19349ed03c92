"""How many queue rows a round takes, and how long a worker rests after it.

Invariant: a round is short, so that newly queued rows do not wait for long. A party's backlog is worked off with
pauses while other parties are active, and without any otherwise.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

_ROUND_SECONDS: Final = 0.05
# With fewer rows, the fixed cost of a round hides the cost of its folds.
_SMALLEST: Final = 10
_FIRST: Final = 40
# The rest after a round of one party's backlog, as a multiple of the round's time.
_REST: Final = 3.0
# A party whose rows were taken this recently is active.
_ABOUT_SECONDS: Final = 5.0


class Pages:
    """The page size and rests of one worker, adapted to its last rounds; `most` is the size of the next page."""

    def __init__(self, limit: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._seen: dict[str, float] = {}
        self.most = min(_FIRST, limit)

    def took(self, parties: Iterable[str], seconds: float) -> float:
        """Notes a round, by the party of each row and its duration; returns for how many seconds to rest."""
        now, rows_of = self._monotonic(), Counter(parties)
        self._seen = {p: at for p, at in self._seen.items() if now - at < _ABOUT_SECONDS} | dict.fromkeys(rows_of, now)
        rows = rows_of.total()
        if rows < _SMALLEST:
            # Pages that shrank to less than this by failures must grow again.
            self.most = max(self.most, min(self.most * 2, _SMALLEST, self._limit))
            return 0.0
        wanted = min(int(rows * _ROUND_SECONDS / max(seconds, 1e-6)), self.most * 2, self._limit)
        self.most = max(wanted, min(_SMALLEST, self._limit))
        party, number = rows_of.most_common(1)[0]
        has_company = bool(self._seen.keys() - {party, ""})
        return seconds * _REST if party and number >= _SMALLEST and has_company else 0.0

    def failed(self) -> None:
        """Halves the page: the server ends a transaction whose folds take too long."""
        self.most = max(self.most // 2, 1)
