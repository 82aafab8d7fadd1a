"""Access control, sessions, sign-in and transport."""
