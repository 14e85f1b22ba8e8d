"""A PostgreSQL server for the tests: made, started and thrown away."""

from empkit.postgresql import Cluster, available

__all__ = ["Cluster", "available"]
