"""Tools that make what the project ships, each in an environment of its own."""
