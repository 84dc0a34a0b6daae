"""Money in and, sometimes, out again."""
