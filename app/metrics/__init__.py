"""Metrics for Prometheus: counters of each process, and figures of the store."""
