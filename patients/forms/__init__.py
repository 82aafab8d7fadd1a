"""The forms of the pages, and the check for conflicting changes."""
