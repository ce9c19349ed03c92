"""Stores Kafka records as facts.

Invariant: the facts, answers and positions of a batch are one transaction.
"""
