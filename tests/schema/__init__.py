"""The schemas of the stores: written down as migrations make them, and fit for what the last release asks of them."""
