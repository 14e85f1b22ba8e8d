"""Kafka code that servers, clients and audit share: topics, the dead-letter topic, profiles."""
