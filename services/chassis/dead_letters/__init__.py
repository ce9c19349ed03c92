"""Dead letters, and the operations on them.

Invariant: a replay takes effect once.
"""
