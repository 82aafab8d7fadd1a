"""The demo: patients who do not exist."""
