"""Clients of Kafka, and the repairs that they need.

Invariant: every repair of aiokafka is here.
"""
