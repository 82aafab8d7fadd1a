"""The figure of the timeline, row by row."""
