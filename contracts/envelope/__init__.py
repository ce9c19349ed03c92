"""How an event travels: attributes, canonical JSON, the codec in both content modes.

Invariant: bytes come in and either one event or one refusal comes out, whatever the bytes are.
"""
