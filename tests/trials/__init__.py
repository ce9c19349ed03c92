"""Trials: faults that others have met in the field, each as a short story that has to come out right.

Invariant: a trial says what is right in terms of what a party can read, never of how it is stored.
"""
