"""A monotonic clock that moves when it is told."""

from __future__ import annotations


class Clock:
    """In seconds, from nought on."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds
