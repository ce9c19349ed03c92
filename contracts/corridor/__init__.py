"""The corridor as data: points, routes, borders, thresholds, and the models that read them.

Invariant: `data/` is the only place that knows a point, a border or a country of a corridor by name.
"""
