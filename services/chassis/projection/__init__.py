"""Folds facts into pictures.

Invariant: state changes here alone.
"""
