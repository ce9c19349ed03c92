"""A running service: its loops, its health, its commands.

Invariant: whatever was started is stopped, in the opposite order.
"""
