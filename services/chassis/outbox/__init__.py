"""The outbox and the relay that sends its rows to Kafka.

Invariant: a record is in the outbox until Kafka has acknowledged it.
"""
