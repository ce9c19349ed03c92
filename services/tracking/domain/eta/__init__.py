"""When a subject will be where it has still to come: ranges by past journeys, and what others say."""
