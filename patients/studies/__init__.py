"""Studies: who takes part, what the group shows, and what leaves as a data package."""
