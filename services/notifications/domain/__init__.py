"""Facts, audiences and items: what is told to whom, and what has to be taken back.

Invariant: pure; who may see a fact follows from the fact, the consignments that it belongs to, and the parties.
"""
