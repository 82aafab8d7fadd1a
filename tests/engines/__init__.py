"""Real servers and complete installations, each private to one test run."""
