"""The pilot-train journey: its truth, the reports that parties send of it, and what must come of them."""
