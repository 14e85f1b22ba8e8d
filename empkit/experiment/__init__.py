"""A workload in, timings and verdicts out."""
