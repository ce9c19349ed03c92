"""How Corridor is run: the local stack, the demo, provisioning and the production manifests."""
