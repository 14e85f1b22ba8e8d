"""The employee record: its fields, its files, and its forms as JSON and as a row of a table."""
