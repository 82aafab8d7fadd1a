"""Accounts: sign-in by invitation, second factors, and what administrators do with people."""
