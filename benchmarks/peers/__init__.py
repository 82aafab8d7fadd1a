"""Other readers of expressions beside ours, on the same faces and photos in one run. See `__main__`."""
