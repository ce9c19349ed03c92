"""Makes the durations of a corridor from past journeys; no service imports it."""
