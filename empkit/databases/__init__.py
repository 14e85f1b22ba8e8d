"""The databases that the kit knows: engines for them, and PostgreSQL databases that come and go."""
