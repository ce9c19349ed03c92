"""Clients of Kafka, and what they have to be taught.

Invariant: every repair of aiokafka is here.
"""
