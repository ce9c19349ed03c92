"""Kafka records to stored facts.

Invariant: facts, answers and positions are one transaction.
"""
