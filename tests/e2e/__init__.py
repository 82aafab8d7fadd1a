"""A real browser on a real installation."""
