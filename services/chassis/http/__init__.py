"""The doors: who asks, how much, and how answers look.

Invariant: nothing of a body is read before it is known who asks.
"""
