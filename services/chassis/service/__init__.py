"""A running service: its loops, its health, its commands.

Invariant: all that was started is stopped, in the opposite order.
"""
