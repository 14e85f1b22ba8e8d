"""The faults of the proxy: each consists of its settings and `plan`, which sets when data is due.

The relay does not depend on any of them.
"""
