"""SQLite, for everything that has to survive the night."""
