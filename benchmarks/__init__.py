"""Measures the cost of the kit and of the alternatives to its parts: `python -m benchmarks`."""
