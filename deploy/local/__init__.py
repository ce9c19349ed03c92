"""The local stack: a real Kafka and a real Postgres with nothing installed but Python.

Invariant: nothing started here outlives the process that started it, however that process ends.
"""
