"""People with an account; most buy without one."""
