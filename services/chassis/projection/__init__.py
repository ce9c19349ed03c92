"""Facts to pictures.

Invariant: state changes here alone.
"""
