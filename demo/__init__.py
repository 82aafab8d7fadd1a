"""The demo clinic, its fictitious patients and their rendered portraits."""
