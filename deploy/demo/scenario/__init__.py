"""What really happens on run PK-RU 001, before anybody reports it.

Invariant: nothing here knows how the services work; reports and expectations are both made from this, each on its
own way, so that neither can hide a fault of the other.
"""
