"""Estimated arrivals: the mathematics, the fit, and how good they are on worlds that the fit has not seen."""
