"""What the kit costs, and what was measured to choose its parts: `python -m benchmarks`."""
