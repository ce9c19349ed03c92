"""Tracking: the picture of each service run, train, wagon, container and consignment.

In: `milestones-<party>`. Out: `tracking-events`, `receipts-<party>`, `tracking-dlq`.
Invariant: a picture is a function of the accepted reports, the corridor data and the instant at which it is
looked at.
"""
