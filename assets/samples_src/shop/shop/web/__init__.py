"""Pages. Nothing here knows how a price is made."""
