"""Orders are placed in a Kafka topic and billed from there."""
