"""What servers, clients and audit share about Kafka: topics, the dead-letter topic, profiles."""
