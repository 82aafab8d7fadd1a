"""Consent, retention and erasure."""
