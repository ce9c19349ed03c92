"""Notifications: turns pictures and cases into what each party may and wants to know.

In: `tracking-events`, `customs-events`. Out: `notifications-<party>`, the feed, the stream, the dashboard.
Invariant: what a party gets is decided for each fact; a cursor over its feed never skips an item.
"""
