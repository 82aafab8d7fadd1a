"""Tools that generate files of the repository. Each needs an environment of its own."""
