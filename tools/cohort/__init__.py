"""Renders portraits of people who do not exist: parameters in, JPEG out. An environment of its own; see README.md."""
