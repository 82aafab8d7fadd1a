"""Renders portraits of people who do not exist, from parameters to JPEG. Needs an environment of its own; see README.md."""
