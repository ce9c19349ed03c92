"""Benchmarks: throughput as ratios of contenders in one run, and latency of the whole path."""
