"""The event types, one module for each kind of sender.

Invariant: a released model changes only by gaining optional fields with defaults; anything else is a new
`.vN` type. Models are frozen, flat (objects, lists of flat objects, scalars), and ignore what they do not know.
"""
