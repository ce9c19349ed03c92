"""What every room stands on: settings, database, clocks, errors, parties, what may be seen.

Invariant: nothing here knows of any other room.
"""
