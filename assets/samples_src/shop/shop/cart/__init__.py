"""A cart belongs to a session until it becomes an order."""
