"""Untrusted bytes to pixels, in a process without rights. Knows nothing of faces."""
