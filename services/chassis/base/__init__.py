"""The ground floor of the chassis: settings, database, clocks, errors, parties, visibility.

Invariant: nothing here imports another room.
"""
