"""Customs: one case for each consignment, jurisdiction and procedure, with holds as separate objects.

In: `declarations-<party>`, `customs-decisions-<authority>`, `tracking-events`. Out: `customs-events`,
`customs-cases-<country>`, `receipts-<party>`, `customs-dlq`.
Invariant: state is the fold over declarations, decisions, holds and movements, in order of occurrence.
"""
