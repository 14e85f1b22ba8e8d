"""The faults of the proxy: each is its settings, and `plan`, which says when data is due.

The relay knows none of them.
"""
