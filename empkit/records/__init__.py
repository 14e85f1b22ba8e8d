"""What an employee is, and how records come in, travel and go into a table."""
