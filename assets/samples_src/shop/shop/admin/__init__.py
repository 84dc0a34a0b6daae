"""What only the people in the shed may do."""
