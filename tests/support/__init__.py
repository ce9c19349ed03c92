"""What tests share: builders, stores of their own, running systems. Plain modules, no fixtures."""
