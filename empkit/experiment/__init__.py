"""The experiment: from a workload to timings and verdicts."""
