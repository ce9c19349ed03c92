"""What all services share: ingest, settle, relay, and what these three loops need.

Invariant: nothing here knows a word of the freight or customs domain; state changes in settle alone.
"""
