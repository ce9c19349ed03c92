"""How Corridor is run on one machine: the local stack, the demo, provisioning, tokens and backups."""
