"""The HTTP side: authentication, budgets, reports, problem documents.

Invariant: no byte of a body is read before the caller is authenticated.
"""
