"""Recovers from our own topics what a restored store had published.

Invariant: a restored store publishes nothing before it has recovered.
"""
