"""What builds and checks the published documents: schemas, AsyncAPI, examples, and the gates over them.

Invariant: no service imports it.
"""
