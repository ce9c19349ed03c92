"""What is to be sent, and how it is sent.

Invariant: a record is in the outbox until Kafka has acknowledged it.
"""
