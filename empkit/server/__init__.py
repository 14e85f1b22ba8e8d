"""The system under test: the server, its consumer and its store."""
