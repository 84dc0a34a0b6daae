"""What was read: keys and values in memory (segment) and on disk (disk)."""
