"""What a store put back reads back from our own topics.

Invariant: nothing is told before it is known what was told.
"""
