"""What was put aside, and what becomes of it.

Invariant: a replay takes effect once.
"""
