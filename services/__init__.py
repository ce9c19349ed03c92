"""The services: tracking, customs and notifications, on one chassis.

Invariant: services never import each other; they share contracts and chassis, and exchange events.
"""
