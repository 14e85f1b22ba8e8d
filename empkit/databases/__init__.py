"""The databases that the kit supports: engines for them, and temporary PostgreSQL databases."""
