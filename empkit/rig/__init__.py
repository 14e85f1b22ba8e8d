"""What is under test: started, reached, struck by faults, and stopped."""
