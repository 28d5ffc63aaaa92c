"""Benchmarks on tables: named tasks, peers in environments of their own, one JSON line per run."""
