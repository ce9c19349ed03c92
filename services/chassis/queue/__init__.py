"""The queue of subjects to be folded.

Invariant: every SQL statement on it is here.
"""
