"""The queue of subjects that are to be folded.

Invariant: every statement on it is here.
"""
