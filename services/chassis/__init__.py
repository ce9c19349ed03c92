"""The code that all services share: the loops ingest, settle and relay, and all that these need.

Invariant: nothing here knows a word of the freight or customs domain; state changes in settle alone.
"""
