"""The fold: accepted reports to pictures. Pure: no I/O, no clock, no randomness.

Invariant: the result depends on the set of reports, the corridor data and `as_of`, never on an order.
"""
