"""What can go wrong with the local stack and is not a bug.

Invariant: the message alone tells the person at the keyboard what to do; no trace is needed.
"""

from __future__ import annotations


class CannotRun(Exception):
    """The stack cannot be had; the message says why."""
