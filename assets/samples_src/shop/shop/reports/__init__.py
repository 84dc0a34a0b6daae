"""Numbers for the bookkeeper."""
