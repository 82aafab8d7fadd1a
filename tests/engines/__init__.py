"""Real servers and whole installations, each private to one test run."""
