"""How wagons, containers, trains, papers and cases are named, and what makes a name valid.

Invariant: a name has one spelling; check digits are recomputed, never taken on trust.
"""
