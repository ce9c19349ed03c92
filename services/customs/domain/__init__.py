"""The customs fold: declarations, decisions, holds and movements to cases, verdicts, violations, announcements.

Invariant: pure; the one thing that is remembered is which releases have been refused, for safety.
"""
