"""The forms of the pages, and what happens when two people change the same thing."""
