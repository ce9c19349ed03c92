"""What Corridor's parties build against: events, topics, identifiers, codec and corridor data.

Invariant: everything here is pure; importing it opens no connection and reads nothing but the committed
data files beside it.
"""
